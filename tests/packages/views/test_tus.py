"""The tus protocol, header by header, as the management API speaks it."""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from lrs.db import reading
from lrs.storage import PART
from packages.courses import Package
from tests.packages.make import course
from tests.packages.tus import PIECE, SPOKEN, Tus

if TYPE_CHECKING:
    from datetime import datetime

    from lrs.parts import Parts

DATA = course(title="Sent in pieces", files={"a.bin": bytes(PART)})


@pytest.fixture
def tus(parts: Parts) -> Tus:
    return Tus(parts)


def test_what_is_spoken(tus: Tus) -> None:
    answer = tus.call("OPTIONS", key=None)
    assert answer.status_code == 204
    told = {name: answer.headers[f"Tus-{name}"] for name in ("Version", "Max-Size")}
    assert told == {"Version": "1.0.0", "Max-Size": str(1 << 30)}
    extensions = set(answer.headers["Tus-Extension"].split(","))
    assert extensions >= {"creation", "termination", "expiration", "checksum"}
    assert "sha1" in answer.headers["Tus-Checksum-Algorithm"].split(",")


def test_from_the_first_piece_to_a_package(tus: Tus) -> None:
    place = tus.begin(DATA, name="Мой курс.zip")
    looked = tus.call("HEAD", place, **SPOKEN)
    assert looked.status_code == 200
    assert looked.headers["Cache-Control"] == "no-store"
    assert looked.headers["Upload-Length"] == str(len(DATA))
    name = looked.headers["Upload-Metadata"].removeprefix("filename ")
    assert base64.b64decode(name).decode() == "Мой курс.zip"
    half = len(DATA) // 2
    for start, end in ((0, half), (half, len(DATA))):
        assert tus.call("HEAD", place, **SPOKEN).headers["Upload-Offset"] == str(start)
        answer = tus.send(place, start, DATA[start:end])
        assert answer.status_code == 204, answer.get_data(as_text=True)
        assert answer.headers["Upload-Offset"] == str(end)
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert answer.headers["Upload-Expires"].endswith("GMT")
    shown = tus.call("GET", place).get_json()
    assert shown["package"] == shown["id"] == place.rpartition("/")[2]
    assert shown["sha256"] == hashlib.sha256(DATA).hexdigest()
    with reading(tus.parts.engine) as db:
        package = db.get_one(Package, uuid.UUID(shown["id"]))
    assert (package.status, package.filename) == ("queued", "Мой курс.zip")
    ended = tus.call("DELETE", place, **SPOKEN)
    assert (ended.status_code, ended.get_json()["code"]) == (409, "upload_accepted")


def test_bytes_may_come_with_the_creation(tus: Tus) -> None:
    answer = tus.call("POST", data=DATA[:100], **PIECE, Upload_Length=str(len(DATA)))
    assert answer.status_code == 201
    assert answer.headers["Upload-Offset"] == "100"
    assert tus.send(answer.headers["Location"], 100, DATA[100:]).status_code == 204


def test_an_upload_is_ended(tus: Tus) -> None:
    place = tus.begin(DATA)
    tus.send(place, 0, DATA[:1000])
    assert tus.call("DELETE", place, **SPOKEN).status_code == 204
    for method in ("HEAD", "GET", "PATCH", "DELETE"):
        answer = tus.call(method, place, **PIECE, Upload_Offset="0")
        assert answer.status_code == 404, method
    assert list(tus.parts.storage.keys("")) == []


def test_methods_may_be_overridden(tus: Tus) -> None:
    place = tus.begin(DATA)
    words = PIECE | {"Upload-Offset": "0"}
    override = "X-HTTP-Method-Override"
    answer = tus.call("POST", place, data=DATA[:9], **words, **{override: "PATCH"})
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "9")
    assert tus.call("POST", place, **SPOKEN).status_code == 400
    answer = tus.call("POST", place, **SPOKEN, **{override: "DELETE"})
    assert answer.status_code == 204


def test_a_checksum_is_kept_to(tus: Tus) -> None:
    place = tus.begin(DATA)
    right = base64.b64encode(
        hashlib.new("sha1", DATA, usedforsecurity=False).digest()
    ).decode()
    answer = tus.send(place, 0, DATA[:-1] + b"?", Upload_Checksum=f"sha1 {right}")
    assert (answer.status_code, answer.get_json()["code"]) == (460, "checksum_differs")
    assert tus.call("HEAD", place, **SPOKEN).headers["Upload-Offset"] == "0"
    answer = tus.send(place, 0, DATA, Upload_Checksum=f"sha1 {right}")
    assert answer.status_code == 204


LENGTH = {"Upload-Length": "100"}
REFUSED: dict[str, tuple[str, dict[str, Any], int]] = {
    "no version": ("POST", {**LENGTH, "Tus-Resumable": ""}, 412),
    "another version": ("POST", {**LENGTH, "Tus-Resumable": "0.2.2"}, 412),
    "no length": ("POST", {}, 400),
    "a length that is none": ("POST", {"Upload-Length": "-1"}, 400),
    "a length in other digits": ("POST", {"Upload-Length": "١"}, 400),
    "a length without end": ("POST", {"Upload-Length": "9" * 400}, 400),
    "nothing": ("POST", {"Upload-Length": "0"}, 400),
    "too much": ("POST", {"Upload-Length": str((1 << 30) + 1)}, 413),
    "a length to come": ("POST", {"Upload-Defer-Length": "1"}, 400),
    "no base64": ("POST", {**LENGTH, "Upload-Metadata": "filename %%%"}, 400),
    "no UTF-8": ("POST", {**LENGTH, "Upload-Metadata": "filename /w=="}, 400),
    "much metadata": ("POST", {**LENGTH, "Upload-Metadata": "a" * 5000}, 400),
    "a parameter": ("POST?x=1", {**LENGTH}, 400),
    "no version at an upload": ("PATCH", {"Tus-Resumable": ""}, 412),
    "another type": ("PATCH", {"Content-Type": "application/zip"}, 415),
    "no offset": ("PATCH", {"Upload-Offset": ""}, 400),
    "another offset": ("PATCH", {"Upload-Offset": "5"}, 409),
    "an unknown sum": ("PATCH", {"Upload-Checksum": "crc32 AAAA"}, 400),
    "a sum that is none": ("PATCH", {"Upload-Checksum": "sha1"}, 400),
    "no version at the end": ("DELETE", {"Tus-Resumable": "2"}, 412),
}


@pytest.fixture
def engine(sqlite_engine: Any) -> Any:
    """One database is enough here: what differs is in tests/packages/test_receiving."""
    return sqlite_engine


def test_what_is_wrong_is_said_and_changes_nothing(tus: Tus) -> None:
    place = tus.begin(DATA)
    for case, (called, change, status) in REFUSED.items():
        method, _, query = called.partition("?")
        address = "/api/v1/uploads" if method == "POST" else place
        headers = {**PIECE, "Upload-Offset": "0"} | change
        data = b"x" if method == "PATCH" else b""
        if query:
            address += f"?{query}"
        answer = tus.call(method, address, data=data, **headers)
        assert answer.status_code == status, case
        assert answer.content_type == "application/problem+json", case
        assert answer.get_json()["status"] == status, case
    answer = tus.call("PATCH", place, **PIECE, Upload_Offset="5")
    assert answer.headers["Upload-Offset"] == "0"
    answer = tus.call("POST")
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert tus.call("HEAD", place, **SPOKEN).headers["Upload-Offset"] == "0"
    assert len(list(tus.parts.storage.keys(""))) == 0


def test_more_than_announced_is_refused(tus: Tus) -> None:
    place = tus.begin(b"12345")
    answer = tus.send(place, 0, b"123456")
    assert (answer.status_code, answer.get_json()["code"]) == (413, "upload_too_large")
    assert tus.send(place, 0, b"12345").status_code == 204


def test_who_may(tus: Tus) -> None:
    """Uploads are their sender's alone; nobody learns of those of others."""
    place = tus.begin(DATA)
    expected = {None: (401, 401), "reader": (403, 403), "other": (201, 404)}
    for key, (begins, looks) in (expected | {"second": (201, 404)}).items():
        words = SPOKEN | LENGTH
        assert tus.call("POST", key=key, **words).status_code == begins, key
        for method in ("HEAD", "GET", "PATCH", "DELETE"):
            answer = tus.call(method, place, key, **PIECE, Upload_Offset="0")
            assert answer.status_code == looks, (key, method)


def test_expired_uploads_are_not_there(
    tus: Tus, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from packages.views import tus as protocol

    place = tus.begin(DATA)
    monkeypatch.setattr(protocol, "_now", lambda: now.replace(year=now.year + 9))
    assert tus.call("HEAD", place, **SPOKEN).status_code == 404
    assert tus.send(place, 0, b"x").status_code == 404
