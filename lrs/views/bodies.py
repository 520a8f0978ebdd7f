"""Statements with the data of their attachments: bodies received and given out.

xAPI 1.0.3 Communication 1.5; xAPI 2.0 4.1.3. What is given out never runs in a browser:
every answer of /xapi is sandboxed, and this one is a download.
"""

import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, BinaryIO, cast
from uuid import UUID

import orjson
from flask import Response, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import parse_options_header

from lrs import attachments, multipart
from lrs.attachments import Received
from lrs.multipart import Part
from lrs.views import xapi
from lrs.views.application import parts
from lrs.views.callers import current_credential, current_glance
from statements import signatures
from statements.attachments import SECTION, Declared, declared, refuse_missing
from statements.errors import DomainError, Invalid, InvalidStatement, TooLarge
from statements.prepare import Prepared

JSON = "application/json"
MULTIPART = "multipart/mixed"
# statements and data together
MAX_WITH_DATA = 256 * 1024 * 1024
# each is read and checked while its sender waits
MAX_SIGNATURES = 10
# answers up to this size are put together before the first byte is sent
WHOLE = 4 * 1024 * 1024


@dataclass(frozen=True)
class Body:
    """A request's statements as JSON; the parts with data are still to be read."""

    json: bytes
    _parts: Iterator[Part] = field(default_factory=lambda: iter(()))
    _file: IO[bytes] | None = None

    def keep_data(self, prepared: Sequence[Prepared], now: datetime) -> None:
        """Read, check and keep the data; call it before the statements are stored.

        Raises Invalid: data that nobody declares, or that is not what was declared,
        missing data, and signatures that do not fit their statement.
        """
        found = [
            (one, attachment)
            for index, one in enumerate(prepared)
            if one.references.attachments
            for attachment in declared(
                one.received, "$" if len(prepared) == 1 else f"$[{index}]"
            )
        ]
        if not found and self._file is None:
            return
        listed = [attachment for _, attachment in found]
        if self._file is None:
            received: dict[str, Received] = {}
            refuse_missing(listed)
        else:
            received = attachments.receive(self._parts, listed, self._file)
        signed = [pair for pair in found if signatures.is_signature(pair[1].attachment)]
        for named, count in Counter(one.id for one, _ in signed).items():
            if count > MAX_SIGNATURES:
                raise Invalid(
                    f"Statement {named} has {count} signatures; it may have "
                    f"{MAX_SIGNATURES}.",
                    requirement="a statement has a few signatures at most",
                    section=signatures.SECTION,
                )
        # the same token signs the same statement, however many attachments name it
        checked: set[tuple[int, str]] = set()
        for one, attachment in signed:
            signatures.check_declaration(attachment.attachment, path=attachment.path)
            if (token := (id(attachment.part), attachment.sha2)) not in checked:
                _check_signature(one, attachment, received)
                checked.add(token)
        caller = current_credential()
        attachments.keep(
            parts(),
            tenant=caller.tenant_id,
            authority=caller.authority_text,
            received=received.values(),
            now=now,
        )


@contextmanager
def statements_body() -> Iterator[Body]:
    """The body of a request that stores statements; raises Invalid and TooLarge."""
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    if kind == JSON:
        yield Body(xapi.body())
        return
    if kind != MULTIPART:
        raise Invalid(
            f"Statements are sent as {JSON}, with the data of attachments as "
            f"{MULTIPART}, not as {kind or 'nothing'}.",
            requirement=f"the Content-Type is {JSON} or {MULTIPART}",
            section="Communication 1.5; 2.0 4.1.3",
        )
    # data is kept before the statements are: the caller must be known by then
    current_glance()
    if (request.content_length or 0) > MAX_WITH_DATA:
        raise TooLarge(
            f"A request may have {MAX_WITH_DATA} bytes; send the statements one by one.",
            limit=MAX_WITH_DATA,
        )
    stream = cast("BinaryIO", request.stream)
    received = multipart.read_parts(stream, options.get("boundary", ""))
    with tempfile.SpooledTemporaryFile(max_size=attachments.IN_MEMORY) as file:
        try:
            yield Body(_statements_part(received), received, file)
        except DomainError:
            # who is still sending would not hear why it is refused
            with suppress(DomainError, ClientDisconnected, OSError):
                while stream.read(multipart.BLOCK):
                    pass
            raise


def _statements_part(received: Iterator[Part]) -> bytes:
    first = next(received, None)
    kind, _ = parse_options_header(first.headers.get("content-type") if first else None)
    if first is None or kind != JSON:
        raise Invalid(
            f"The first part has the statements and the Content-Type {JSON}.",
            requirement=f"the first part is {JSON}",
            section=SECTION,
        )
    found = bytearray()
    for block in first.blocks:
        found += block
        if len(found) > xapi.MAX_BODY:
            raise TooLarge(
                f"The statements of a request may have {xapi.MAX_BODY} bytes.",
                limit=xapi.MAX_BODY,
            )
    return bytes(found)


def _check_signature(
    one: Prepared, attachment: Declared, received: dict[str, Received]
) -> None:
    token = received.get(attachment.sha2)
    if token is None:
        raise InvalidStatement(
            f"{attachment.path}: a signature comes with its data; nothing is fetched.",
            path=attachment.path,
            requirement="a signature can be checked",
            section=signatures.SECTION,
        )
    if token.length > signatures.MAX_LENGTH:
        raise TooLarge(
            f"A signature may have {signatures.MAX_LENGTH} bytes.",
            limit=signatures.MAX_LENGTH,
        )
    with token.open() as stream:
        signatures.check_signature(
            stream.read(),
            attachment.attachment,
            statement=attachment.part,
            version=one.version,
            path=attachment.path,
        )


def with_data(db: Session, body: bytes) -> Response:
    """The answer `body` (JSON) and the data of every attachment in it, each once.

    It streams; see `whole`.
    """
    value = orjson.loads(body)
    listed = {
        UUID(statement["id"]): {one.sha2: one for one in declared(statement)}
        for statement in value.get("statements", (value,))
    }
    found: dict[str, Declared] = {}
    for each in listed.values():
        for sha2, one in each.items():
            found.setdefault(sha2, one)
    storage, tenant = parts().storage, current_credential().tenant_id
    known = attachments.find_data(db, tenant=tenant, declared=listed)
    # in the order of the statements
    lengths = {sha2: known[sha2] for sha2 in found if sha2 in known}
    boundary = secrets.token_hex(16)
    first = multipart.head(boundary, {"Content-Type": JSON}).lstrip() + body
    heads = {sha2: _head(boundary, found[sha2], lengths[sha2]) for sha2 in lengths}
    last = multipart.tail(boundary)

    def blocks() -> Iterator[bytes]:
        yield first
        for sha2, head in heads.items():
            yield head
            with attachments.open_data(storage, tenant=tenant, sha2=sha2) as data:
                while block := data.read(attachments.BLOCK):
                    yield block
        yield last

    answer = Response(blocks(), content_type=f"{MULTIPART}; boundary={boundary}")
    answer.content_length = sum(map(len, (first, last, *heads.values())))
    answer.content_length += sum(lengths.values())
    answer.headers["Content-Disposition"] = "attachment"
    return answer


def whole(answer: Response) -> Response:
    """The answer, put together now unless it is large.

    Then damaged data is told as a problem instead of breaking the answer off. Call it
    when the database is no longer held: storage may be slow.
    """
    if answer.is_streamed and (answer.content_length or 0) <= WHOLE:
        answer.make_sequence()
    return answer


def _head(boundary: str, one: Declared, length: int) -> bytes:
    return multipart.head(
        boundary,
        {
            "Content-Type": one.attachment["contentType"],
            "Content-Transfer-Encoding": "binary",
            "Content-Length": str(length),
            "X-Experience-API-Hash": one.attachment["sha2"],
        },
    )
