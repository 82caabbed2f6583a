"""Which study this process serves, and who is at the browser."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from annotator_ui.links import LinkError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from annotator_ui.admin_desk import AdminDesk
    from annotator_ui.desk import Annotator, Desk
    from annotator_ui.study import Study

STUDY = "HUMANGENAI_STUDY"
DATABASE = "HUMANGENAI_DATABASE"
"""Environment variables that tell the app's process what to serve."""


@lru_cache(maxsize=1)
def _study() -> Study:
    from annotator_ui.study import open_study

    return open_study(os.environ[DATABASE], os.environ[STUDY])


def desk() -> Desk:
    """The annotators' desk of the study that this process serves."""
    from annotator_ui.desk import Desk

    return Desk(_study())


def admin_desk() -> AdminDesk:
    """The admins' desk of the study that this process serves."""
    from annotator_ui.admin_desk import AdminDesk

    return AdminDesk(_study())


def cookie_name() -> str:
    """The cookie that holds a signed-in annotator's token; another one for every study."""
    return f"annotator-{os.environ[STUDY]}"


def who(cookies: Mapping[str, str]) -> Annotator | None:
    """Who sent these cookies; None for nobody this study knows (any more)."""
    token = cookies.get(cookie_name())
    if token is None:
        return None
    try:
        return desk().sign_in(token)
    except LinkError:
        return None
