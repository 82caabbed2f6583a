"""The app on the web: Streamlit's pages, and around them what Streamlit has no word for.

A personal link carries a token. It is taken out of the address at once and kept in a cookie that
scripts cannot read: it survives a reload, a crash of the server and a break, is in no address bar,
history or log, and pictures can be refused to everybody else. (The other way, a token that stays in
the address, would be copied along whenever somebody shares what they see.)
"""

from __future__ import annotations

import gc
import os
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from annotator_ui.door import Door
from annotator_ui.links import LinkError
from annotator_ui.permissions import DeskError
from annotator_ui.serving import settings
from annotator_ui.session import cookie_name, desk, who

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

HOST = "HUMANGENAI_HOST"
PORT = "HUMANGENAI_PORT"
_PROVIDER_COOKIES = "_streamlit_user"
"""What the names of the cookies start with in which st.login keeps who has signed in."""


def _enter(token: str, secure: bool) -> Response:
    """Keep a token where it is valid, and go to the start page without it."""
    try:
        desk().sign_in(token)
    except LinkError:
        refused = RedirectResponse("/?problem=link", status_code=303)
        refused.delete_cookie(cookie_name())
        return refused
    response = RedirectResponse("/", status_code=303)
    response.set_cookie(cookie_name(), token, httponly=True, samesite="lax", secure=secure)
    return response


def _leave(request: Request) -> Response:
    """Forget who was here, also who an OIDC provider said it was: others may use this browser."""
    response = RedirectResponse("/?problem=left", status_code=303)
    response.delete_cookie(cookie_name())
    for name in request.cookies:
        if name.startswith(_PROVIDER_COOKIES):
            response.delete_cookie(name)
    return response


def _picture(request: Request) -> Response:
    """A picture of an item that was assigned to who asks; everybody else gets nothing."""
    annotator = who(request.cookies)
    if annotator is None:
        return Response(status_code=403)
    try:
        png = desk().image(annotator.id, request.path_params["image_id"])
    except DeskError:
        return Response(status_code=404)
    # Pictures of people are not left behind in the browser.
    return Response(png, media_type="image/png", headers={"Cache-Control": "private, no-store"})


@asynccontextmanager
async def _warm(_: st.App) -> AsyncIterator[None]:
    """Load all that pages need before anyone comes, and set it apart from what may be garbage.

    After every run of a page Streamlit has Python look at all objects there are. With the libraries
    among them that takes longer than everything else, and everybody waits.
    """
    import pandas as pd  # noqa: F401  # Streamlit's own, at the first pictures

    from annotator_ui.views import account, admin, rating, start  # noqa: F401

    desk()
    _send_at_once()
    gc.collect()
    gc.freeze()
    yield


def _send_at_once() -> None:
    """Have every answer sent as soon as it is there.

    An answer's head and body are sent one after the other. The body would wait until the browser
    has acknowledged the head, which browsers put off: 40 ms for every picture. Others set this on
    the connections they accept; Streamlit opens its listening socket in a way that leaves it out.
    """
    for found in gc.get_objects():
        if type(found) is not socket.socket or found.fileno() < 0:
            continue
        tcp = found.type == socket.SOCK_STREAM and found.family != socket.AF_UNIX
        if tcp and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited


app = st.App(
    Path(__file__).with_name("app.py"),
    lifespan=_warm,
    routes=[Route("/leave", _leave), Route("/picture/{image_id}", _picture)],
    middleware=[Middleware(Door, enter=_enter)],
)

if __name__ == "__main__":
    app.run(config=settings(os.environ[HOST], int(os.environ[PORT])))
