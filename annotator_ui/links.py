"""Personal signed links: whoever has one is that annotator of that study, until it expires.

A token holds the study's name, a random id and a date; no name of a person, and no role (roles are
in the database, so a link never gives more than its owner has).
"""

from __future__ import annotations

import hashlib

from itsdangerous import BadData, URLSafeSerializer


class LinkError(Exception):
    """A link that opens nothing: forged, expired, of another study, or of someone removed."""


def make_token(secret: str, study: str, annotator_id: str, expires: float) -> str:
    """Sign a personal token, safe to put into a URL.

    Args:
        secret: the study's own.
        study: its name.
        annotator_id: random, from the database.
        expires: seconds since 1970 (UTC).
    """
    return str(_serializer(secret).dumps([study, annotator_id, int(expires)]))


def read_token(secret: str, study: str, token: str, now: float) -> str:
    """The annotator a token was made for.

    Args:
        secret: the study's own.
        study: its name.
        token: what the browser sent.
        now: seconds since 1970 (UTC).

    Raises:
        LinkError: it was not signed with this secret, is of another study, or has expired.
    """
    try:
        named, annotator_id, expires = _serializer(secret).loads(token)
        valid = named == study and isinstance(annotator_id, str)
        late = now >= float(expires)
    except (BadData, TypeError, ValueError) as error:
        raise LinkError("this link is not valid; ask for a new one") from error
    if not valid:
        raise LinkError("this link is not valid; ask for a new one")
    if late:
        raise LinkError("this link has expired; ask for a new one")
    return str(annotator_id)


def _serializer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        secret,
        salt="humangenai.annotator",
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )
