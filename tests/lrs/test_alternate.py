from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.alternate import (
    HEADERS,
    MAX_FIELDS,
    MAX_FORM,
    MAX_HEADER,
    METHODS,
    InvalidForm,
    is_alternate,
    unfold,
)
from statements.errors import DomainError, TooLarge

PATH = "/xapi/statements"


def environ(
    form: dict[str, str] | list[tuple[str, str]] | bytes = b"",
    query: str = "method=PUT",
    path: str = PATH,
    **more: str,
) -> dict[str, Any]:
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    } | more


@pytest.mark.parametrize(
    ("method", "query", "alternate"),
    [
        ("POST", "method=PUT", True),
        ("POST", "method=", True),
        ("POST", "a=b&method=GET", True),
        ("POST", "%6Dethod=GET", False),
        ("POST", "", False),
        ("POST", "statementId=method", False),
        ("POST", "xmethod=GET", False),
        ("POST", "Method=GET", False),
        ("PUT", "method=PUT", False),
        ("GET", "method=PUT", False),
    ],
)
def test_which_requests_are_alternate(
    method: str, query: str, *, alternate: bool
) -> None:
    assert is_alternate(environ(query=query, REQUEST_METHOD=method)) is alternate


def test_a_request_is_unfolded() -> None:
    given = environ(
        {
            "statementId": "x y&z",
            "agent": '{"name":"Zoë"}',
            "Authorization": "Basic abc",
            "X-Experience-API-Version": "1.0.1",
            "Content-Type": "application/json",
            # in characters, as some count
            "Content-Length": "1",
            "If-Match": '"a"',
            "If-None-Match": "*",
            "content": '{"a": "é+&="}',
        },
        HTTP_AUTHORIZATION="Basic other",
        HTTP_ACCEPT_LANGUAGE="de",
    )
    meant = unfold(given)
    content = '{"a": "é+&="}'.encode()
    assert meant["wsgi.input"].read() == content
    assert {
        name: value
        for name, value in meant.items()
        if name.isupper() and name != "PATH_INFO"
    } == {
        "REQUEST_METHOD": "PUT",
        "QUERY_STRING": "statementId=x+y%26z&agent=%7B%22name%22%3A%22Zo%C3%AB%22%7D",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(content)),
        "HTTP_AUTHORIZATION": "Basic abc",
        "HTTP_X_EXPERIENCE_API_VERSION": "1.0.1",
        "HTTP_IF_MATCH": '"a"',
        "HTTP_IF_NONE_MATCH": "*",
        "HTTP_ACCEPT_LANGUAGE": "de",
    }
    # what came stays as it was, for those who log it
    assert given["REQUEST_METHOD"] == "POST"


def test_headers_are_named_in_any_case_and_content_in_its_own() -> None:
    meant = unfold(environ({"authorization": "Basic abc", "content": "{}"}))
    assert meant["HTTP_AUTHORIZATION"] == "Basic abc"
    with pytest.raises(InvalidForm, match="needs the form parameter content"):
        unfold(environ({"Content": "{}"}))


@pytest.mark.parametrize(
    ("path", "form", "kind"),
    [
        (PATH, {"content": "{}"}, "application/json"),
        (PATH, {"content": "{"}, "application/json"),
        ("/xapi/activities/state", {"content": "[1]"}, "application/json"),
        (
            "/xapi/activities/state",
            {"content": "some text"},
            "text/plain; charset=utf-8",
        ),
        ("/xapi/activities/state", {"content": ""}, "text/plain; charset=utf-8"),
        (
            "/xapi/activities/state",
            {"content": "{}", "Content-Type": "text/x-own"},
            "text/x-own",
        ),
    ],
)
def test_the_type_of_the_content(path: str, form: dict[str, str], kind: str) -> None:
    assert unfold(environ(form, path=path))["CONTENT_TYPE"] == kind


def test_the_type_of_the_form_is_not_that_of_nothing() -> None:
    assert unfold(environ({"limit": "1"}, "method=GET"))["CONTENT_TYPE"] == ""


@pytest.mark.parametrize(
    ("site", "form", "kept"),
    [
        ("cross-site", {}, None),
        ("same-site", {}, None),
        ("cross-site", {"Authorization": "Basic of the form"}, "Basic of the form"),
        ("same-origin", {}, "Basic of the browser"),
        ("none", {}, "Basic of the browser"),
        ("", {}, "Basic of the browser"),
    ],
)
def test_a_strangers_page_cannot_use_what_the_browser_remembers(
    site: str, form: dict[str, str], kept: str | None
) -> None:
    given = environ(form, "method=GET", HTTP_AUTHORIZATION="Basic of the browser")
    if site:
        given["HTTP_SEC_FETCH_SITE"] = site
    assert unfold(given).get("HTTP_AUTHORIZATION") == kept


@pytest.mark.parametrize(
    ("origin", "kept"),
    [
        ("http://lrs.example.org", True),
        ("https://LRS.example.org", True),
        ("http://lrs.example.org:8080", False),
        ("http://other.example.org", False),
        ("http://lrs.example.org.evil.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_a_strangers_origin_is_as_good_a_sign(origin: str, *, kept: bool) -> None:
    given = environ(
        {},
        "method=GET",
        HTTP_AUTHORIZATION="Basic of the browser",
        HTTP_ORIGIN=origin,
        HTTP_HOST="lrs.example.org",
    )
    assert ("HTTP_AUTHORIZATION" in unfold(given)) is kept


@pytest.mark.parametrize(
    ("path", "alternate"),
    [
        ("/xapi/statements", True),
        ("/xapi/activities/state", True),
        ("/api/v1/credentials/1", False),
        ("/xapi", False),
        ("/xapi/oauth/token", False),
        ("/xapi/OAuth/token", False),
        ("/", False),
    ],
)
def test_only_resources_know_the_syntax(path: str, *, alternate: bool) -> None:
    assert is_alternate(environ(query="method=DELETE", path=path)) is alternate


def test_how_long_a_header_of_a_form_is() -> None:
    long = "a" * (MAX_HEADER + 1)
    with pytest.raises(InvalidForm, match="If-Match is longer"):
        unfold(environ({"If-Match": long}, "method=GET"))
    assert unfold(environ({"If-Match": long[1:]}, "method=GET"))
    assert unfold(environ({"Authorization": long}, "method=GET"))


CONTENT = {"content": "{}"}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no content": (environ({"statementId": "a"}), "content"),
    "no form": (environ(), "content"),
    "JSON for a form": (environ(b'{"content": "{}"}'), "content"),
    "content of a GET": (environ(CONTENT, "method=GET"), "takes no content"),
    "content of a DELETE": (environ(CONTENT, "method=DELETE"), "takes no content"),
    "a parameter in the address": (
        environ(CONTENT, "method=PUT&statementId=a"),
        "statementId",
    ),
    "two methods": (environ(CONTENT, "method=PUT&method=PUT"), "once"),
    "an unknown method": (environ(CONTENT, "method=PATCH"), "one of"),
    "no method": (environ(CONTENT, "method="), "one of"),
    "a method in small letters": (environ(CONTENT, "method=put"), "one of"),
    "content twice": (environ([*CONTENT.items(), *CONTENT.items()]), "twice"),
    "a header twice": (environ([("If-Match", "a"), ("if-match", "b")]), "twice"),
    "a line break in a header": (environ({"If-Match": "a\r\nb"}), "no header"),
    "not UTF-8": (environ(b"content=%ff"), "UTF-8"),
    "not UTF-8, raw": (environ(b"content=\xff"), "UTF-8"),
    "too many fields": (environ(b"&".join([b"a=b"] * (MAX_FIELDS + 1))), "fields"),
    "2.0 in the header": (
        environ(CONTENT, HTTP_X_EXPERIENCE_API_VERSION="2.0.0"),
        "2.0 has no",
    ),
    "2.0 in the form": (
        environ(CONTENT | {"X-Experience-API-Version": "2.0.0"}),
        "2.0 has no",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    given, reason = REFUSED[case]
    given["wsgi.input"].seek(0)
    with pytest.raises(DomainError, match=reason):
        unfold(given)


def test_too_long_a_form_is_not_read() -> None:
    given = environ(CONTENT, CONTENT_LENGTH=str(MAX_FORM + 1))
    with pytest.raises(TooLarge):
        unfold(given)
    assert given["wsgi.input"].tell() == 0


PIECES = st.sampled_from(
    b"& = % %00 %ff %C3%A9 %ED%A0%80 \xff + ; a content Authorization If-Match".split()
)


@given(body=st.lists(PIECES).map(b"".join), method=st.sampled_from(METHODS))
def test_any_form_is_unfolded_or_refused(body: bytes, method: str) -> None:
    try:
        meant = unfold(environ(body, f"method={method}"))
    except DomainError:
        return
    assert len(meant["wsgi.input"].read()) == int(meant["CONTENT_LENGTH"])
    assert not is_alternate(meant) or method == "POST"
    for name in HEADERS.values():
        meant.get(name, "").encode("latin-1")


class Slow(io.BytesIO):
    """Gives a byte at a time, as a connection may."""

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size > 0
        return super().read(1)


@pytest.mark.parametrize("ends", [False, True], ids=["whole", "cut"])
def test_a_form_that_comes_in_pieces(*, ends: bool) -> None:
    body = urlencode({"content": "abc"}).encode()
    given = environ(body)
    given["wsgi.input"] = Slow(body[:-1] if ends else body)
    assert unfold(given)["wsgi.input"].read() == (b"ab" if ends else b"abc")
