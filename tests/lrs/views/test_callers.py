from __future__ import annotations

import base64
from datetime import UTC, datetime
from itertools import product

from lrs.credentials import revoke_credential
from lrs.db import writing
from tests.lrs.views.conftest import Lrs, statement


def basic(text: bytes) -> str:
    return f"Basic {base64.b64encode(text).decode()}"


STRANGE = [
    "",
    "Basic",
    "Basic !!!!",
    "Digest username=x",
    basic(b""),
    basic(b":"),
    basic(b"key"),
    basic(b"\xff\xfe:\xff"),
    basic(b"a\0b:c"),
    basic(b"k" * 5000 + b":s"),
    "Basic " + "ä",
]


def test_strangers_are_told_how_to_come_in(lrs: Lrs) -> None:
    for method, header in product(("GET", "POST", "PUT"), STRANGE):
        answer = lrs.call(
            method,
            body=statement() if method != "GET" else None,
            headers={"Authorization": header},
        )
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert answer.get_json()["code"] == "unauthenticated"
    assert lrs.found() == []


def test_a_wrong_secret_is_refused(lrs: Lrs) -> None:
    wrong = basic(f"{lrs.issued.key}:{lrs.issued.secret}x".encode())
    assert lrs.call("GET", headers={"Authorization": wrong}).status_code == 401


def test_a_revoked_key_is_refused_at_once(lrs: Lrs) -> None:
    assert lrs.get().status_code == 200
    with writing(lrs.parts.engine) as db:
        revoke_credential(db, key=lrs.issued.key, now=datetime.now(UTC))
    assert lrs.get().status_code == 401


def test_the_body_of_a_stranger_is_not_read(lrs: Lrs) -> None:
    answer = lrs.call("POST", body=b"{", headers={"Authorization": ""})
    assert answer.status_code == 401
