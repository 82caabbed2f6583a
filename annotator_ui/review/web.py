"""The review page on the web: Streamlit's page, its pictures, and the door in front of both.

The link that was printed carries a token, as other programs for one user on one machine do it. It
is taken out of the address at once and kept in a cookie that scripts cannot read; without it there
is neither a page nor a picture, for other users of the machine and other web sites neither.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from annotator_ui.door import Door
from annotator_ui.review.serving import PORT
from annotator_ui.review.session import cookie_name, is_owner, is_token, original, review
from annotator_ui.serving import LOOPBACK, settings
from humangenai.errors import UserError
from refsd.images import encode_png

if TYPE_CHECKING:
    from starlette.requests import Request


def _enter(token: str, secure: bool) -> Response:
    response = RedirectResponse("/", status_code=303)
    if is_token(token):
        response.set_cookie(cookie_name(), token, httponly=True, samesite="lax", secure=secure)
    return response


def _picture(request: Request) -> Response:
    """The original of an item (0), or the picture that its n-th method made (n)."""
    if not is_owner(request.cookies):
        return Response(status_code=403)
    place, which = request.path_params["place"], request.path_params["which"]
    try:
        png = _png(place, which)
    except (IndexError, OSError, UserError):
        return Response(status_code=404)
    # Pictures of people are not left behind in the browser.
    return Response(png, media_type="image/png", headers={"Cache-Control": "private, no-store"})


def _png(place: int, which: int) -> bytes:
    if which == 0:
        return encode_png(original(place))
    return list(review().outputs(review().keys[place]).values())[which - 1].read_bytes()


app = st.App(
    Path(__file__).with_name("app.py"),
    routes=[Route("/picture/{place:int}/{which:int}", _picture)],
    middleware=[Middleware(Door, enter=_enter)],
)

if __name__ == "__main__":
    app.run(config=settings(LOOPBACK, int(os.environ[PORT])))
