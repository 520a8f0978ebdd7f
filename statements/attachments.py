"""Declared attachments against the data that came for them.

xAPI 1.0.3 Data 2.4.11, Communication 1.5.2; xAPI 2.0 4.2.2.6. Data and declaration
are matched by the SHA-2 hash alone; what else both say of the data must agree.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statements.errors import Invalid, InvalidStatement

if TYPE_CHECKING:
    from hashlib import _Hash

SECTION = "Communication 1.5.2; 2.0 4.1.3"
# told apart by the length of the hexadecimal digest
_ALGORITHMS = {56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_HEX = re.compile(r"[0-9a-f]+")
_PARAMETER = re.compile(r';\s*+([^=;\s]++)\s*+=\s*+("(?:[^"\\]|\\.)*+"|[^;"]*+)')


@dataclass(frozen=True)
class Declared:
    """An attachment of a statement, or of the statement inside it, and its place."""

    attachment: dict[str, Any]
    path: str
    # the statement or sub-statement that declares it
    part: dict[str, Any]

    @property
    def sha2(self) -> str:
        """The hash in lower case."""
        digest: str = self.attachment["sha2"]
        return digest.lower()


def declared(statement: dict[str, Any], path: str = "$") -> Iterator[Declared]:
    """Every attachment of a valid statement found at `path`."""
    for place, part in ((path, statement), (f"{path}.object", statement["object"])):
        for index, one in enumerate(part.get("attachments", ())):
            yield Declared(one, f"{place}.attachments[{index}]", part)


def refuse_missing(
    attachments: Iterable[Declared], *, received: Collection[str] = ()
) -> None:
    """Raise InvalidStatement for an attachment with neither data nor `fileUrl`."""
    for one in attachments:
        if "fileUrl" not in one.attachment and one.sha2 not in received:
            requirement = "an attachment has a fileUrl or comes with its data"
            raise InvalidStatement(
                f"{one.path}: the attachment has no fileUrl and its data is missing; "
                "send it in a part of multipart/mixed with X-Experience-API-Hash.",
                path=one.path,
                requirement=requirement,
                section="Data 2.4.11; Communication 1.5; 2.0 4.1.3",
            )


def hasher(sha2: str) -> "_Hash":
    """The hash function whose digests look like this one; raises Invalid."""
    algorithm = _ALGORITHMS.get(len(sha2)) if _HEX.fullmatch(sha2) else None
    if algorithm is None:
        raise Invalid(
            f"X-Experience-API-Hash is {sha2[:140]!r}, not a SHA-2 in hexadecimal.",
            requirement="each part after the first names the SHA-2 hash of its data",
            section=SECTION,
        )
    return hashlib.new(algorithm)


def check_headers(number: int, headers: dict[str, str], known: list[Declared]) -> None:
    """What the headers of part `number` say agrees with the declarations of its data.

    Raises Invalid. Content types are the same when type and subtype are and no
    parameter that both give differs.
    """
    if not known:
        raise Invalid(
            f"Part {number}: no attachment of the statements has the hash that it names.",
            requirement="X-Experience-API-Hash is the sha2 of an attachment",
            section=SECTION,
        )
    encoding = headers.get("content-transfer-encoding", "binary")
    if encoding.lower() != "binary":
        raise Invalid(
            f"Part {number}: its Content-Transfer-Encoding is {encoding[:40]!r}; "
            "send the bytes as they are.",
            requirement="Content-Transfer-Encoding is binary",
            section=SECTION,
        )
    given = headers.get("content-type")
    types = [one.attachment["contentType"] for one in known]
    if given is not None and not any(_is_same_type(given, one) for one in types):
        raise Invalid(
            f"Part {number}: its Content-Type is {given[:80]!r}, that of the "
            f"attachment at {known[0].path} is {types[0][:80]!r}.",
            path=f"{known[0].path}.contentType",
            requirement="Content-Type and contentType match where both are given",
            section=SECTION,
        )


def check_data(number: int, headers: dict[str, str], *, length: int) -> None:
    """The data of a part is as long as its own header announces; raises Invalid.

    What an attachment declares as its length is not compared: data belongs to it by
    its hash and in no other way (xAPI 2.0 4.1.3), and the public conformance suite
    counts on that.
    """
    announced = headers.get("content-length", str(length))
    if announced != str(length):
        raise Invalid(
            f"Part {number}: it has {length} bytes, its Content-Length is "
            f"{announced[:40]!r}.",
            requirement="Content-Length is the number of bytes of the part",
            section=SECTION,
        )


def _is_same_type(first: str, second: str) -> bool:
    (one, one_has), (other, other_has) = _type(first), _type(second)
    shared = one_has.keys() & other_has.keys()
    return one == other and all(one_has[name] == other_has[name] for name in shared)


def _type(text: str) -> tuple[str, dict[str, str]]:
    """Type and subtype, and the parameters; the case of values is let go."""
    kind, _, _ = text.partition(";")
    parameters = {
        name.lower(): value.strip().strip('"').lower()
        for name, value in _PARAMETER.findall(text[len(kind) :])
    }
    return kind.strip().lower(), parameters
