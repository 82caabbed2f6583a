"""An annotator without a browser: speaks Streamlit's own protocol with the annotators' app.

What a browser does, in few words: the personal link becomes a cookie, a websocket is opened with
it, "run the page" is sent with the button that was clicked, and the elements of the page come back,
then word that the page is complete. Pictures are asked for by HTTP, with the same cookie.
"""

from __future__ import annotations

import http.client
import json
import re
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import quote, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

if TYPE_CHECKING:
    from streamlit.proto.Element_pb2 import Element
    from streamlit.proto.WidgetStates_pb2 import WidgetState

PATIENCE = 120.0
"""Seconds after which a page that does not come is an error."""

READING_SECONDS = 0.35
"""The app takes an answer within 0.3 s of a new question for a key that was pressed twice."""

_ANSWER = re.compile(r"-answer ([\w-]{22}) (\d+) (\d+)$")


class Place(NamedTuple):
    """A question on the screen: the item's id, and which of its questions."""

    item: str
    at: int


@dataclass
class Page:
    """What is on the screen.

    Attributes:
        elements: by where they are; later ones replace earlier ones.
        query: what stands behind the ``?`` in the address.
        page_hash: which page of the app this is.
        pages: what stands for the pages of the menu, by what their addresses end in.
    """

    elements: dict[tuple[int, ...], Element] = field(default_factory=dict)
    query: str = ""
    page_hash: str = ""
    pages: dict[str, str] = field(default_factory=dict)

    def buttons(self) -> dict[str, str]:
        """Ids of the buttons that can be clicked, by the words on them."""
        return {
            element.button.label: element.button.id
            for element in self.elements.values()
            if element.WhichOneof("type") == "button" and not element.button.disabled
        }

    def answers(self) -> dict[int, str]:
        """Ids of the buttons that answer the question, by the answer's value."""
        found = (_ANSWER.search(widget) for widget in self.buttons().values())
        return {int(match[3]): match.string for match in found if match}

    @property
    def place(self) -> Place | None:
        """The question on the screen; None where there is none."""
        match = _ANSWER.search(next(iter(self.answers().values()), ""))
        return Place(match[1], int(match[2])) if match else None

    def images(self) -> list[str]:
        """Ids of the pictures."""
        return [
            image["id"]
            for element in self.elements.values()
            if element.WhichOneof("type") == "bidi_component"
            for image in json.loads(element.bidi_component.json).get("images", ())
        ]

    def words(self) -> str:
        """All words, one element a line: for messages about what went wrong."""
        kinds = ("markdown", "text", "heading", "alert", "toast")
        found = ((e.WhichOneof("type"), e) for e in self.elements.values())
        return "\n".join(getattr(e, kind).body for kind, e in found if kind in kinds)


class WebAnnotator:
    """One annotator at one browser window; a context manager.

    Args:
        address: of the app, e.g. ``http://127.0.0.1:8501``.
        token: of a personal link.

    Attributes:
        page: what is on the screen.
        came: everything that came through the websocket.
    """

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.page = Page()
        self.came: list[ForwardMsg] = []
        self._host = urlsplit(address).netloc
        self._token = token
        self._cookie = ""
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Open the personal link, then the page."""
        self._http = http.client.HTTPConnection(self._host, timeout=PATIENCE)
        self._open.callback(self._http.close)
        status, headers, _ = self._get(f"/?token={quote(self._token)}")
        if status != 303 or headers["location"] != "/":
            raise PermissionError("the personal link was refused")
        self._cookie = headers["set-cookie"].split(";")[0]
        self._channel = self._open.enter_context(
            connect(
                f"ws://{self._host}/_stcore/stream",
                origin=Origin(self.address),
                subprotocols=[Subprotocol("streamlit")],
                additional_headers={"Cookie": self._cookie},
                proxy=None,
                max_size=None,
                open_timeout=PATIENCE,
                # A process that is busy for a while is slow, not gone.
                ping_interval=None,
                # A page with many elements must not wait for who reads them.
                max_queue=None,
            )
        )
        self.show()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the window."""
        self._open.close()

    def show(self, query: str = "", page_hash: str = "") -> Page:
        """The page at an address, as after a reload; without a hash the first one."""
        self.page = Page(query=query, page_hash=page_hash)
        return self._run()

    def click(self, button: str, *widgets: WidgetState) -> Page:
        """The page after a click on the button with this id."""
        message = self._message(*widgets)
        clicked = message.rerun_script.widget_states.widgets.add()
        clicked.id, clicked.trigger_value = button, True
        return self._run(message)

    def picture(self, image: str) -> tuple[int, bytes]:
        """The HTTP status and the bytes of a picture."""
        status, _, body = self._get(f"/picture/{quote(image)}")
        return status, body

    def begin(self) -> Page:
        """Consent, read the instructions, and try every example."""
        for words in ("I agree and take part", "Start with examples"):
            self.click(self.page.buttons()[words])
        while self.page.place is None:
            example = [
                widget
                for widget in self.page.buttons().values()
                if re.search(r"-answer example \d+ \d+$", widget)
            ]
            self.click(example[2])
            self.click(self.page.buttons()["Next"])
        return self.page

    def answer(self, value: int) -> bool:
        """Answer the question on the screen; whether the app has gone on to what comes next."""
        before = self.page.place
        self.click(self.page.answers()[value])
        return self.page.place != before

    def _get(self, path: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        headers = {"Cookie": self._cookie} if self._cookie else {}
        try:
            self._http.request("GET", path, headers=headers)
            response = self._http.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError):
            # Unused for a while, and closed; a browser asks again as well.
            self._http.close()
            self._http.request("GET", path, headers=headers)
            response = self._http.getresponse()
        return response.status, response.headers, response.read()

    def _message(self, *widgets: WidgetState) -> BackMsg:
        message = BackMsg()
        message.rerun_script.query_string = self.page.query
        message.rerun_script.page_script_hash = self.page.page_hash
        message.rerun_script.widget_states.widgets.extend(widgets)
        return message

    def _run(self, message: BackMsg | None = None) -> Page:
        """Have the page run, and read what comes until it is complete."""
        message = message or self._message()
        self._channel.send(message.SerializeToString())
        deadline = time.monotonic() + PATIENCE
        while True:
            data = self._channel.recv(timeout=deadline - time.monotonic())
            came = ForwardMsg.FromString(data)
            self.came.append(came)
            kind = came.WhichOneof("type")
            if kind == "new_session":  # a new run; nothing of the one before is left
                self.page = Page(query=self.page.query, page_hash=self.page.page_hash)
            elif kind == "navigation":
                self.page.page_hash = came.navigation.page_script_hash
                self.page.pages = {
                    page.url_pathname: page.page_script_hash for page in came.navigation.app_pages
                }
            elif kind == "page_info_changed":
                self.page.query = came.page_info_changed.query_string
            elif kind == "delta" and came.delta.WhichOneof("type") == "new_element":
                where = tuple(came.metadata.delta_path)
                self.page.elements[where] = came.delta.new_element
            elif (
                kind == "script_finished"
                and came.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
            ):
                return self.page
