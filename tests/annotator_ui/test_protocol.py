"""What somebody gets who speaks the app's protocol and asks for what is not theirs."""

from __future__ import annotations

import http.client
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from app_server import Server
from sample_study import METHODS, admin, make_sample_study, ready

from annotator_ui.desk import Desk
from annotator_ui.study import open_study

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from web_annotator import WebAnnotator  # type: ignore[import-not-found]

ADMIN_PAGES = ("agreement", "annotators", "items", "export")


@pytest.fixture(scope="module")
def web() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
        import web_annotator

        yield web_annotator
    sys.modules.pop("web_annotator", None)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(open_study(*make_sample_study(tmp_path_factory.mktemp("study"))))


@pytest.fixture(scope="module")
def server(desk: Desk) -> Iterator[Server]:
    url = desk.study.database.engine.url.render_as_string(False)
    with Server(url, "sample") as running:
        yield running


def everything(window: WebAnnotator) -> bytes:
    return b"".join(came.SerializeToString() for came in window.came)


def test_an_annotator_gets_no_page_of_the_admins(
    desk: Desk, server: Server, web: ModuleType
) -> None:
    ada = ready(desk, "ada")
    boss = admin(desk).add_annotator("boss", "admin")
    ready(desk, "carol")
    with web.WebAnnotator(server.address, desk.token(boss)) as window:
        pages = window.page.pages
        assert set(ADMIN_PAGES) <= set(pages)
        window.show(page_hash=pages["annotators"])
        assert b"carol" in everything(window)
        window.show(page_hash=pages["export"])
        buttons = list(window.page.buttons().values())
    with web.WebAnnotator(server.address, desk.token(ada)) as window:
        place = window.page.place
        for name in ADMIN_PAGES:
            assert window.show(page_hash=pages[name]).place == place
            for button in buttons:
                assert window.click(button).place == place
        got = everything(window)
    for word in (*METHODS, "boss", "carol", "person 0"):
        assert word.encode() not in got


def test_an_answer_button_of_somebody_else_answers_nothing(
    desk: Desk, server: Server, web: ModuleType
) -> None:
    eve, bob = ready(desk, "eve"), ready(desk, "bob")
    with (
        web.WebAnnotator(server.address, desk.token(bob)) as his,
        web.WebAnnotator(server.address, desk.token(eve)) as hers,
    ):
        time.sleep(web.READING_SECONDS)
        hers.click(his.page.answers()[5])
        item, at = his.page.place
        hers.show(f"item={item}&q={at}")
        if hers.page.place == his.page.place:
            pytest.skip("both drew the same item")
        assert "There is no such item" in hers.page.words()
    answers = admin(desk).answers()
    assert answers[answers["annotator"].isin([eve, bob])].empty


def test_pictures_do_not_wait_for_the_network(desk: Desk, server: Server, web: ModuleType) -> None:
    dan = ready(desk, "dan")
    with web.WebAnnotator(server.address, desk.token(dan)) as window:
        (image, *_) = window.page.images()
        seconds = []
        for _ in range(30):
            began = time.perf_counter()
            window.picture(image)
            seconds.append(time.perf_counter() - began)
    # Acknowledgements are put off for 40 ms, but not on a fresh connection.
    assert min(seconds[5:]) < 0.035


def test_nothing_can_be_uploaded(desk: Desk, server: Server, web: ModuleType) -> None:
    carl = ready(desk, "carl")
    with web.WebAnnotator(server.address, desk.token(carl)) as window:
        session = window.came[0].new_session.initialize.session_id
        host = urlsplit(server.address).netloc
        cookie = secret(host)
        for size in (10, 3_000_000):
            connection = http.client.HTTPConnection(host, timeout=60)
            body = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n'
            body += b"A" * size + b"\r\n--x--\r\n"
            headers = {
                "Content-Type": "multipart/form-data; boundary=x",
                "Cookie": f"_streamlit_xsrf={cookie}",
                "X-Xsrftoken": cookie,
            }
            connection.request(
                "PUT", f"/_stcore/upload_file/{session}/some-file", body=body, headers=headers
            )
            assert connection.getresponse().status == 405
            connection.close()


def secret(host: str) -> str:
    """What Streamlit gives every browser, so that other sites cannot send in its name."""
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("GET", "/_stcore/health")
    cookies = connection.getresponse().headers.get_all("Set-Cookie") or []
    connection.close()
    (found,) = [c.split(";")[0] for c in cookies if c.startswith("_streamlit_xsrf=")]
    return found.removeprefix("_streamlit_xsrf=")
