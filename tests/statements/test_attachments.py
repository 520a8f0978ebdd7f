from __future__ import annotations

import hashlib
from typing import Any

import pytest

from statements.attachments import (
    check_data,
    check_headers,
    declared,
    hasher,
    refuse_missing,
)
from statements.errors import Invalid, InvalidStatement
from tests.statements.cases import ATTACHMENT, SMALL, SUB_STATEMENT

DATA = b"here is a simple attachment"
SHA2 = hashlib.sha256(DATA).hexdigest()
ONE = {**ATTACHMENT, "contentType": "text/plain", "length": len(DATA), "sha2": SHA2}
WITHOUT_URL = {name: value for name, value in ONE.items() if name != "fileUrl"}


def statement(*attachments: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**SMALL, "attachments": list(attachments), **members}


def test_what_is_declared_has_its_place() -> None:
    inner = {**SUB_STATEMENT, "attachments": [ONE, ONE]}
    found = list(declared(statement(ONE, object=inner), "$[3]"))
    assert [one.path for one in found] == [
        "$[3].attachments[0]",
        "$[3].object.attachments[0]",
        "$[3].object.attachments[1]",
    ]
    assert [one.part["actor"] for one in found[1:]] == [inner["actor"]] * 2
    assert list(declared(SMALL)) == []


def test_the_hash_is_told_in_lower_case() -> None:
    (one,) = declared(statement({**ONE, "sha2": SHA2.upper()}))
    assert one.sha2 == SHA2


def test_data_may_be_missing_where_there_is_an_address() -> None:
    url = {**ONE, "fileUrl": "http://example.org/file"}
    refuse_missing(declared(statement(url)))
    refuse_missing(declared(statement(WITHOUT_URL)), received={SHA2})
    refuse_missing(declared(statement(url)), received={SHA2})


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (statement(WITHOUT_URL), "$.attachments[0]"),
        (
            statement({**ONE, "fileUrl": "http://example.org/f"}, WITHOUT_URL),
            "$.attachments[1]",
        ),
        (
            statement(object={**SUB_STATEMENT, "attachments": [WITHOUT_URL]}),
            "$.object.attachments[0]",
        ),
    ],
)
def test_missing_data_is_refused(given: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidStatement) as refused:
        refuse_missing(declared(given), received={"0" * 64})
    assert refused.value.extra["path"] == path


@pytest.mark.parametrize("name", ["sha224", "sha256", "sha384", "sha512"])
def test_every_hash_of_the_family(name: str) -> None:
    digest = hasher(hashlib.new(name, DATA).hexdigest())
    assert digest.name == name


@pytest.mark.parametrize(
    "sha2",
    ["", "0" * 40, "0" * 63, "0" * 65, "g" * 64, SHA2.upper(), SHA2 + "\n", "٠" * 64],
)
def test_no_hash(sha2: str) -> None:
    with pytest.raises(Invalid):
        hasher(sha2)


SAME_TYPE = [
    ("text/plain", "text/plain"),
    ("TEXT/Plain", "text/plain"),
    ("text/plain", "text/plain; charset=ascii"),
    ("text/plain;charset=utf-8", "text/plain"),
    ('text/plain; charset="UTF-8"', "text/plain;charset=utf-8"),
    ("text/plain; a=1", "text/plain; b=2"),
]
OTHER_TYPE = [
    ("text/html", "text/plain"),
    ("application/json", "text/plain"),
    ("text/plain; charset=utf-8", "text/plain; charset=ascii"),
    ("", "text/plain"),
]


@pytest.mark.parametrize(("header", "kind"), SAME_TYPE)
def test_the_same_content_type(header: str, kind: str) -> None:
    known = list(declared(statement({**ONE, "contentType": kind})))
    check_headers(2, {"content-type": header}, known)


@pytest.mark.parametrize(("header", "kind"), OTHER_TYPE)
def test_another_content_type(header: str, kind: str) -> None:
    known = list(declared(statement({**ONE, "contentType": kind})))
    with pytest.raises(Invalid) as refused:
        check_headers(2, {"content-type": header}, known)
    assert refused.value.extra["path"] == "$.attachments[0].contentType"


def test_one_of_two_content_types_is_enough() -> None:
    known = list(declared(statement({**ONE, "contentType": "text/html"}, ONE)))
    check_headers(2, {"content-type": "text/plain"}, known)


@pytest.mark.parametrize(
    ("headers", "is_right"),
    [
        ({}, True),
        ({"content-transfer-encoding": "binary"}, True),
        ({"content-transfer-encoding": "Binary"}, True),
        ({"content-transfer-encoding": "base64"}, False),
        ({"content-transfer-encoding": "quoted-printable"}, False),
        ({"content-transfer-encoding": "8bit"}, False),
        ({"content-transfer-encoding": ""}, False),
    ],
)
def test_only_bytes_as_they_are(headers: dict[str, str], *, is_right: bool) -> None:
    known = list(declared(statement(ONE)))
    if is_right:
        check_headers(2, headers, known)
        return
    with pytest.raises(Invalid, match="as they are"):
        check_headers(2, headers, known)


def test_data_that_nobody_declares() -> None:
    with pytest.raises(Invalid, match="Part 4"):
        check_headers(4, {}, [])


@pytest.mark.parametrize(
    ("headers", "is_right"),
    [
        ({}, True),
        ({"content-length": "27"}, True),
        ({"content-length": "26"}, False),
        ({"content-length": "x"}, False),
    ],
)
def test_the_length(headers: dict[str, str], *, is_right: bool) -> None:
    if is_right:
        check_data(2, headers, length=27)
        return
    with pytest.raises(Invalid):
        check_data(2, headers, length=27)
