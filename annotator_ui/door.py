"""The door in front of both apps: links become cookies, nothing comes in, headers go out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response

from annotator_ui.headers import HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING = ("GET", "HEAD")
"""All that browsers do here; Streamlit would keep uploads in memory."""


class Door:
    """Turns a link's token into a cookie, refuses uploads, and adds headers to every answer.

    Args:
        app: what is behind the door.
        enter: answers a link: its token, and whether the connection is encrypted.
    """

    def __init__(self, app: ASGIApp, enter: Callable[[str, bool], Response]) -> None:
        self.app = app
        self._enter = enter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; see https://asgi.readthedocs.io."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        token = request.query_params.get("token")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answer = self.app
        if request.method not in READING:
            answer = Response(status_code=405, headers={"Allow": ", ".join(READING)})
        elif token is not None:
            answer = await run_in_threadpool(self._enter, token, request.url.scheme == "https")
        await answer(scope, receive, send_with_headers)
