"""Which picture of ϕ an item shows, and what was asked about it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("item", sa.Column("shows", sa.Text(), nullable=True))
