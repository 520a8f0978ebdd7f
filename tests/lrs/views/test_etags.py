from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask, Response

from lrs.preconditions import Precondition
from lrs.views.etags import (
    MAX_LENGTH,
    MAX_TAGS,
    MalformedPrecondition,
    read_precondition,
    tagged,
)
from statements.errors import PreconditionFailed

APP = Flask(__name__)
ETAG = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


def read(**headers: str) -> Precondition:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with APP.test_request_context(headers=named):
        return read_precondition()


def tags(*names: str) -> frozenset[str]:
    return frozenset(names)


def test_no_header_is_no_precondition() -> None:
    assert read() == Precondition(None, None)


@pytest.mark.parametrize(
    ("header", "strong", "any_kind"),
    [
        ("*", tags("*"), tags("*")),
        (" * ", tags("*"), tags("*")),
        ('"a"', tags("a"), tags("a")),
        ('"a", "b"', tags("a", "b"), tags("a", "b")),
        ('"a","b" , "c"', tags("a", "b", "c"), tags("a", "b", "c")),
        ('W/"a"', tags(), tags("a")),
        ('W/"a", "b"', tags("b"), tags("a", "b")),
        # a comma belongs to the tag; an empty tag is one
        ('"a,b"', tags("a,b"), tags("a,b")),
        ('""', tags(""), tags("")),
        # empty elements of a list (RFC 9110 5.6.1)
        (', "a",, "b",', tags("a", "b"), tags("a", "b")),
        # some clients leave the quotes out
        (ETAG, tags(ETAG), tags(ETAG)),
        (f"{ETAG}, W/x", tags(ETAG), tags(ETAG, "x")),
    ],
)
def test_read(header: str, strong: frozenset[str], any_kind: frozenset[str]) -> None:
    assert read(If_Match=header) == Precondition(match=strong)
    assert read(If_None_Match=header) == Precondition(none_match=any_kind)


@pytest.mark.parametrize(
    "header",
    ["", " ", ",", '"a', 'a"', '"a" "b"', '"a"b', '*, "a"', '"a", *', '"*"', 'w/"a"'],
)
def test_what_names_no_tags_is_refused(header: str) -> None:
    for name in ("If-Match", "If-None-Match"):
        with (
            APP.test_request_context(headers={name: header}),
            pytest.raises(MalformedPrecondition, match=name),
        ):
            read_precondition()


def test_as_many_tags_as_are_compared() -> None:
    names = [f"t{number}" for number in range(MAX_TAGS)]
    assert read(If_Match=", ".join(names)) == Precondition(match=tags(*names))
    with pytest.raises(MalformedPrecondition, match="more than 100"):
        read(If_None_Match=", ".join([*names, "t0"]))
    with pytest.raises(MalformedPrecondition, match="longer than"):
        read(If_Match='"' + "a" * MAX_LENGTH + '"')


@pytest.fixture(params=["GET", "HEAD"])
def method(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"If-None-Match": f'"{ETAG}"'}, 304),
        ({"If-None-Match": f'W/"{ETAG}", "x"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"x"'}, 200),
        ({"If-Match": f'"{ETAG}"'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": f'"{ETAG}"', "If-None-Match": f'"{ETAG}"'}, 304),
    ],
)
def test_an_answer_with_its_tag(
    method: str, headers: dict[str, str], status: int
) -> None:
    changed = datetime(2026, 3, 2, 17, 0, 1, 999_999, tzinfo=UTC)
    with APP.test_request_context(method=method, headers=headers):
        given = Response(b"body", content_type="text/plain")
        answer = tagged(given, etag=ETAG, last_modified=changed)
    assert answer.status_code == status
    assert answer.headers["ETag"] == f'"{ETAG}"'
    assert answer.headers["Last-Modified"] == "Mon, 02 Mar 2026 17:00:01 GMT"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.get_data() == (b"body" if status == 200 else b"")
    assert ("Content-Type" in answer.headers) is (status == 200)


@pytest.mark.parametrize("header", ['"x"', f'W/"{ETAG}"'])
def test_a_reading_of_another_version_fails(header: str) -> None:
    with (
        APP.test_request_context(headers={"If-Match": header}),
        pytest.raises(PreconditionFailed),
    ):
        tagged(Response(b""), etag=ETAG)
