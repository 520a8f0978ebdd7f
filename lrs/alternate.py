"""The alternate request syntax: any request of xAPI 1.0.x as the POST of a form.

xAPI 1.0.3 Communication 1.3, Appendix C. It is for callers that can set neither method
nor headers: the address says the intended method and nothing else, the form holds the
headers, the parameters and, as `content`, the body. xAPI 2.0 has no such syntax.

Callers differ in what the specification only recommends, so none of it is asked for:
the type of the form itself may be any, `Content-Type` may be missing, and a
`Content-Length` is not compared with the content, which is there whole.
"""

import io
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from statements.errors import Invalid, TooLarge

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
WITH_CONTENT = frozenset({"POST", "PUT"})
CONTENT = "content"
# the form comes before the credentials in it are known
MAX_FORM = 4 * 1024 * 1024
MAX_FIELDS = 64
# of a header but Authorization, which has no other limit than the form or the server
MAX_HEADER = 8 * 1024
# the request class is the whole application's; OAuth's own addresses are no resources
RESOURCES = "/xapi/"
OAUTH = "/xapi/oauth/"
# the headers that may stand in the form, and where a WSGI environment has them
HEADERS = {
    "authorization": "HTTP_AUTHORIZATION",
    "x-experience-api-version": "HTTP_X_EXPERIENCE_API_VERSION",
    "content-type": "CONTENT_TYPE",
    "content-length": "CONTENT_LENGTH",
    "if-match": "HTTP_IF_MATCH",
    "if-none-match": "HTTP_IF_NONE_MATCH",
}
VERSION = HEADERS["x-experience-api-version"]


class InvalidForm(Invalid):
    """The form does not follow the alternate request syntax."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(
            detail,
            requirement="headers, parameters and content stand in the form alone",
            section="Communication 1.3",
        )


class NoAlternateSyntax(Invalid):
    """xAPI 2.0 has no alternate request syntax: use the method itself."""


def is_alternate(environ: dict[str, Any]) -> bool:
    """Whether the request is a POST to a resource, with a method in its address."""
    path: str = environ.get("PATH_INFO", "").lower()
    query: str = environ.get("QUERY_STRING", "")
    return (
        environ["REQUEST_METHOD"] == "POST"
        and path.startswith(RESOURCES)
        and not path.startswith(OAUTH)
        and "method" in query
        and any(name == "method" for name, _ in parse_qsl(query, True))
    )


def unfold(environ: dict[str, Any]) -> dict[str, Any]:
    """The environment of the request that is meant; raises Invalid or TooLarge."""
    _refuse_2_0(environ.get(VERSION, ""))
    method = _method(environ)
    found = dict(environ)
    parameters: list[tuple[str, str]] = []
    content: str | None = None
    named: set[str] = set()
    for name, value in _fields(environ):
        key = HEADERS.get(name.lower())
        if key is None and name != CONTENT:
            parameters.append((name, value))
            continue
        if name.lower() in named:
            raise InvalidForm(f"{name} is given twice.")
        named.add(name.lower())
        if key is None:
            content = value
        else:
            found[key] = _header(name, value)
    _refuse_2_0(found.get(VERSION, ""))
    if content is None and method in WITH_CONTENT:
        raise InvalidForm(f"{method} needs the form parameter content.")
    if content and method not in WITH_CONTENT:
        raise InvalidForm(f"{method} takes no content.")
    if "content-type" not in named:
        found["CONTENT_TYPE"] = _type(environ.get("PATH_INFO", ""), content)
    if "authorization" not in named and _is_foreign(environ):
        # what a browser adds by itself to the form of a stranger's page counts nothing
        found.pop("HTTP_AUTHORIZATION", None)
    body = (content or "").encode()
    return found | {
        "REQUEST_METHOD": method,
        "QUERY_STRING": urlencode(parameters),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }


def _refuse_2_0(version: str) -> None:
    if version.strip().startswith("2"):
        raise NoAlternateSyntax


def _method(environ: dict[str, Any]) -> str:
    given = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if len(given) > 1:
        others = ", ".join(sorted({name for name, _ in given} - {"method"})) or "it"
        raise InvalidForm(
            f"The address has the parameter method once and alone; {others[:80]} "
            "belongs into the form."
        )
    method: str = given[0][1]
    if method not in METHODS:
        raise InvalidForm(f"The method is one of {', '.join(METHODS)}.")
    return method


def _fields(environ: dict[str, Any]) -> list[tuple[str, str]]:
    """The fields of the form in order."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > MAX_FORM:
        raise TooLarge(
            f"A request in the alternate syntax may have {MAX_FORM} bytes.",
            limit=MAX_FORM,
        )
    chunks = []
    while length > 0 and (chunk := environ["wsgi.input"].read(length)):
        chunks.append(chunk)
        length -= len(chunk)
    try:
        return parse_qsl(
            b"".join(chunks).decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except UnicodeDecodeError:
        raise InvalidForm("The form is not encoded as UTF-8.") from None
    except ValueError:
        raise InvalidForm(f"The form has more than {MAX_FIELDS} fields.") from None


def _header(name: str, value: str) -> str:
    """The value as a WSGI environment has it."""
    value = value.strip()
    if any(ord(character) < 32 for character in value):
        raise InvalidForm(f"{name} has characters that no header has.")
    raw = value.encode()
    if len(raw) > MAX_HEADER and name.lower() != "authorization":
        raise InvalidForm(f"{name} is longer than {MAX_HEADER} bytes.")
    return raw.decode("latin-1")


def _type(path: str, content: str | None) -> str:
    """The type of content that does not say it: JSON where it is JSON, else text."""
    if content is None:
        return ""
    if path.rstrip("/").endswith("/statements"):
        return "application/json"
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        return "text/plain; charset=utf-8"
    return "application/json"


def _is_foreign(environ: dict[str, Any]) -> bool:
    """Whether a browser says that the page of another site sends this.

    Over plain HTTP browsers say only the origin; that of a sandboxed page is null.
    """
    if environ.get("HTTP_SEC_FETCH_SITE") in {"cross-site", "same-site"}:
        return True
    origin: str | None = environ.get("HTTP_ORIGIN")
    if origin is None:
        return False
    host: str = environ.get("HTTP_HOST", "")
    scheme, _, named = origin.strip().lower().partition("://")
    port = {"http": ":80", "https": ":443"}.get(scheme, "")
    return not named or named != host.strip().lower().removesuffix(port)
