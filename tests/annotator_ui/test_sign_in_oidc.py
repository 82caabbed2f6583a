"""Signing in with an OIDC provider: a small one of our own on loopback, and a real browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from app_server import CHROMIUM, Server, chromium
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from sample_study import admin, make_sample_study

from annotator_ui.desk import Desk
from annotator_ui.study import open_study

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

CLIENT, SECRET = "study", "not-a-real-secret"
ADA = {"sub": "7001", "email": "ada@example.org", "email_verified": True}


class Provider(ThreadingHTTPServer):
    """Signs in whoever is set as :attr:`person`, without asking; checks what a provider checks.

    Attributes:
        person: the claims about who is at the browser.
        key: what tokens are signed with; others see :attr:`published`.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.person: dict[str, Any] = ADA
        self.key = self.published = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
        self.asked: dict[str, dict[str, str]] = {}

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce,
            **self.person,
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/.well-known/openid-configuration":
            here = self.server.address
            self._say(
                {
                    "issuer": here,
                    "authorization_endpoint": f"{here}/authorize",
                    "token_endpoint": f"{here}/token",
                    "jwks_uri": f"{here}/keys",
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                    "code_challenge_methods_supported": ["S256"],
                }
            )
        elif url.path == "/keys":
            self._say(KeySet([self.server.published]).as_dict(private=False))
        elif url.path == "/authorize":
            asked = {key: values[0] for key, values in parse_qs(url.query).items()}
            assert asked["client_id"] == CLIENT
            assert asked["response_type"] == "code"
            assert "openid" in asked["scope"].split()
            assert asked["code_challenge_method"] == "S256"
            code = secrets.token_urlsafe()
            self.server.asked[code] = asked
            back = urlencode({"code": code, "state": asked["state"]})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        client = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        assert self.headers["Authorization"] == f"Basic {client}"
        asked = self.server.asked.pop(form["code"][0])  # a code is good for once
        assert form["redirect_uri"][0] == asked["redirect_uri"]
        proof = hashlib.sha256(form["code_verifier"][0].encode()).digest()
        assert base64.urlsafe_b64encode(proof).decode().rstrip("=") == asked["code_challenge"]
        self._say(
            {
                "access_token": secrets.token_urlsafe(),
                "token_type": "Bearer",
                "expires_in": 300,
                "id_token": self.server.id_token(asked["nonce"]),
            }
        )

    def _say(self, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    made = make_sample_study(tmp_path_factory.mktemp("study"))
    admin(Desk(open_study(*made))).add_annotator("ada", identity="ada@example.org")
    admin(Desk(open_study(*made))).add_annotator("bob", identity="7002")
    return Desk(open_study(*made))


@pytest.fixture(scope="module")
def app(
    desk: Desk, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("served")
    url = desk.study.database.engine.url.render_as_string(False)
    server = Server(url, "sample", folder)
    settings = {
        "redirect_uri": f"{server.address}/oauth2callback",
        "cookie_secret": secrets.token_hex(),
        "client_id": CLIENT,
        "client_secret": SECRET,
        "server_metadata_url": f"{provider.address}/.well-known/openid-configuration",
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "secrets.toml").write_text("\n".join(["[auth]", *lines]))
    with server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, app: Server) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(120_000)
    page = context.new_page()
    page.goto(app.address)
    yield page
    context.close()


def sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in").click()


def test_a_verified_address_signs_in_and_logging_out_forgets_it(
    page: Page, provider: Provider, app: Server
) -> None:
    provider.person = ADA
    sign_in(page)
    page.get_by_role("button", name="Continue as ada").click()
    page.get_by_role("button", name="I agree").wait_for()
    assert "token" not in page.url
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert cookies["annotator-sample"]["httpOnly"]

    page.get_by_role("link", name="You").click()
    page.get_by_role("link", name="Log out").click()
    page.get_by_text("You have logged out").wait_for()
    # Who comes to this browser next is nobody, too.
    page.goto(app.address)
    page.get_by_role("button", name="Sign in").wait_for()
    names = {cookie["name"] for cookie in page.context.cookies()}
    assert not {name for name in names if name.startswith(("annotator", "_streamlit_user"))}


def test_without_an_address_the_subject_is_the_identity(page: Page, provider: Provider) -> None:
    provider.person = {"sub": "7002"}
    sign_in(page)
    page.get_by_role("button", name="Continue as bob").wait_for()


@pytest.mark.parametrize(
    "person",
    [
        {**ADA, "email_verified": False},
        {"sub": "7001", "email": "ada@example.org"},
        {"sub": "7001", "email": "<b>eve</b>@example.org", "email_verified": True},
        {"sub": "None"},
    ],
)
def test_others_are_known_by_nobody(
    page: Page, provider: Provider, person: dict[str, object]
) -> None:
    provider.person = person
    sign_in(page)
    shown = person["email"] if person.get("email_verified") else person["sub"]
    page.get_by_text(f"Nobody in this study is known as {shown}.", exact=True).wait_for()
    assert page.get_by_role("button", name=re.compile("Continue")).count() == 0


def test_a_token_of_somebody_else_signs_in_nobody(page: Page, provider: Provider) -> None:
    provider.person = ADA
    provider.key = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
    try:
        with page.expect_response(re.compile("/oauth2callback")):
            sign_in(page)
        page.get_by_role("button", name="Sign in").wait_for()
        assert page.get_by_role("button", name=re.compile("Continue")).count() == 0
        assert not [c for c in page.context.cookies() if c["name"].startswith("_streamlit_user")]
    finally:
        provider.key = provider.published
