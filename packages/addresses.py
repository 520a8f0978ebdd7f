"""Addresses that course descriptions write for units: checked, split, and found.

A unit's address is either a file of the package or a URL of the web; anything that a
browser would run as a script or read from its own computer is neither.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qsl, quote, urlsplit

from packages.contents import Contents

# Schemes that a browser runs, or reads from the learner's own computer.
_FORBIDDEN = {
    "about",
    "blob",
    "chrome",
    "data",
    "file",
    "filesystem",
    "javascript",
    "jar",
    "vbscript",
    "view-source",
}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# RFC 3986, 2: what may stand in a URL, and escapes that are whole.
_URL = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
# RFC 1738, 2.1 and 3.1: a scheme, two slashes, and something behind them.
_QUALIFIED = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#].*")
_SAFE = "%/?:@!$&'()*+,;=#[]~"
_STEM = 40
# Longer ones no browser opens.
MAXIMUM_LENGTH = 8000


@dataclass(frozen=True, slots=True)
class Address:
    """Where a unit begins: `launch` and `parameters` as `Unit` has them.

    `exact` is false when the file is written in another way than its name.
    """

    launch: str
    parameters: str
    exact: bool = True


def scheme_of(written: str) -> str:
    """The scheme in small letters; nothing for a relative address."""
    match = _SCHEME.match(written)
    return match[1].lower() if match else ""


def is_forbidden(written: str) -> bool:
    """True for addresses that a browser would run or read from its computer."""
    return scheme_of(written) in _FORBIDDEN


def is_web(written: str) -> bool:
    """True for a URL of http or https with a host, of a length that browsers take."""
    if len(written) > MAXIMUM_LENGTH:
        return False
    return scheme_of(written) in {"http", "https"} and bool(host_of(written))


def is_qualified(written: str) -> bool:
    """True for a URL with a scheme and a place behind it (RFC 1738, 3.1)."""
    if scheme_of(written) in {"http", "https"}:
        return is_web(written)
    return len(written) <= MAXIMUM_LENGTH and _QUALIFIED.fullmatch(written) is not None


def is_url(written: str) -> bool:
    """True when only characters stand in it that may stand in a URL (RFC 3986)."""
    if len(written) > MAXIMUM_LENGTH:
        return False
    if _URL.fullmatch(written) is None or written.count("#") > 1:
        return False
    try:
        # brackets belong to an address of IPv6 and nowhere else
        parts = urlsplit(written)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return False
    return not any(one in parts.path + parts.query + parts.fragment for one in "[]")


def host_of(written: str) -> str:
    """The host that a URL names, or nothing."""
    try:
        return urlsplit(written).hostname or ""
    except ValueError:
        return ""


def query_names(written: str) -> set[str]:
    """The names in the query of an address, escapes undone."""
    query = written[:MAXIMUM_LENGTH].partition("#")[0].partition("?")[2]
    return {name for name, _ in parse_qsl(query, keep_blank_values=True)}


def split(written: str) -> tuple[str, str]:
    """The path, and query and fragment with their marks."""
    at = min((written + "?#").index(mark) for mark in "?#")
    return written[:at], written[at:]


def escaped(written: str) -> str:
    """The address with blanks and foreign letters as a URL has them."""
    return quote(written, safe=_SAFE)


def with_query(parameters: str, added: str) -> str:
    """Query and fragment of an address with further names and values in the query."""
    added = escaped(added.strip().lstrip("?&"))
    query, mark, fragment = parameters.partition("#")
    if added:
        query = f"{query}&{added}" if len(query) > 1 else f"?{added}"
    return query + mark + fragment


def elsewhere(written: str) -> Address:
    """The address of a unit on another server."""
    path, parameters = split(escaped(written))
    return Address(path, parameters)


def inside(contents: Contents, written: str, *bases: str) -> Address | None:
    """The file of the package that a relative address means; None for none.

    `bases` are folders to look in (ending with `/`), the nearest first.
    """
    if len(written) > MAXIMUM_LENGTH:
        return None
    path, parameters = split(written)
    for base in bases or ("",):
        if path and (found := contents.find(_joined(base, path))) is not None:
            return Address(found[0], escaped(parameters), found[1])
        # Some files are truly called "a?b.html".
        found = contents.find(_joined(base, written)) if parameters else None
        if found is not None:
            return Address(found[0], "", found[1])
    return None


def leaves(written: str) -> bool:
    """True when a relative address points above the place that it is written in."""
    depth = 0
    for part in split(written)[0].replace("\\", "/").split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False


def short_name(iri: str) -> str:
    """A short name for an IRI: its last words, and what tells it from others.

    It does not depend on other IRIs, so that it is the same in every version.
    """
    words = [word for word in re.split(r"[^A-Za-z0-9._~-]+", iri) if word.strip(".-")]
    stem = words[-1][-_STEM:].strip(".-") if words else "unit"
    return f"{stem}-{sha256(iri.encode()).hexdigest()[:8]}"


def _joined(base: str, written: str) -> str:
    return written if written.startswith(("/", "\\")) else base + written
