"""Alembic runs this file; :func:`annotator_ui.migrations.upgrade` gives it the connection."""

from alembic import context

from annotator_ui.database import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
context.run_migrations()
