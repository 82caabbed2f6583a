"""Personal links: whose they are, and what opens nothing."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_study import admin, make_sample_study, ready

from annotator_ui.desk import LINK_DAYS, Desk
from annotator_ui.links import LinkError, make_token, read_token
from annotator_ui.study import open_study

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "0" * 64


def test_a_token_opens_until_it_expires() -> None:
    token = make_token(SECRET, "study", "abc", 1000)
    assert read_token(SECRET, "study", token, 999) == "abc"
    with pytest.raises(LinkError, match="expired"):
        read_token(SECRET, "study", token, 1000)


def test_tokens_of_other_secrets_and_studies_open_nothing() -> None:
    token = make_token(SECRET, "study", "abc", 1000)
    with pytest.raises(LinkError, match="not valid"):
        read_token("1" * 64, "study", token, 1)
    with pytest.raises(LinkError, match="not valid"):
        read_token(SECRET, "other", token, 1)


@given(place=st.integers(0, 200), bit=st.integers(0, 7))
def test_a_token_with_one_bit_changed_opens_nothing(place: int, bit: int) -> None:
    token = make_token(SECRET, "study", "abc", 1000)
    raw = bytearray(token.encode())
    raw[place % len(raw)] ^= 1 << bit
    changed = raw.decode("latin-1")
    # The last character of the signature holds bits that base64 ignores.
    if place % len(raw) == len(raw) - 1 or changed == token:
        return
    with pytest.raises(LinkError):
        read_token(SECRET, "study", changed, 1)


@given(st.text(max_size=80))
def test_any_other_text_opens_nothing(text: str) -> None:
    with pytest.raises(LinkError):
        read_token(SECRET, "study", text, 1)


def test_a_payload_swapped_under_a_signature_opens_nothing(desk: Desk) -> None:
    ada, bob = ready(desk, "ada"), ready(desk, "bob")
    payload, signature = desk.token(ada).rsplit(".", 1)
    text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    forged = base64.urlsafe_b64encode(text.replace(ada.encode(), bob.encode())).rstrip(b"=")
    with pytest.raises(LinkError):
        desk.sign_in(f"{forged.decode()}.{signature}")


def test_links_of_this_study_only(tmp_path: Path) -> None:
    url, _ = make_sample_study(tmp_path / "one")
    make_sample_study(tmp_path / "two", url, name="second")
    one, two = Desk(open_study(url, "sample")), Desk(open_study(url, "second"))
    ada = ready(one, "ada")
    assert one.sign_in(one.token(ada)).id == ada
    with pytest.raises(LinkError):
        two.sign_in(one.token(ada))
    with pytest.raises(LinkError):
        two.sign_in(two.token(ada))  # well signed, for somebody of the other study
    with pytest.raises(LinkError):
        two.sign_in_as("ada@example.org")


def test_a_link_says_nothing_about_its_owner(desk: Desk) -> None:
    boss = admin(desk).add_annotator("ada lovelace", "admin")
    token = desk.token(boss)
    payload = token.split(".")[0]
    text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
    assert "ada" not in text
    assert "admin" not in text
    assert desk.sign_in(token).role == "admin"
    too_late = desk.study.clock() + (LINK_DAYS + 1) * 86400
    later = Desk(replace(desk.study, clock=lambda: too_late))
    with pytest.raises(LinkError, match="expired"):
        later.sign_in(token)
