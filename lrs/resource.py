"""The Statement Resource without its dress: what a caller stores, and a page it reads.

xAPI 1.0.3 Communication 2.1; xAPI 2.0 4.1.6.1. Nothing here knows of Flask, so that
the two ways to it, `views/statements.py` and `views/express.py`, do the same.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from lrs import query
from lrs.clock import Glance, consistent_through
from lrs.credentials import Caller, holds
from lrs.cursors import write_cursor
from lrs.parts import Parts
from lrs.process import Process
from lrs.query import Filter, Found, Page
from lrs.rules.wall import SCOPE, Wall
from lrs.store import Write
from lrs.tables import PLAIN, key_of
from statements import formats, text
from statements.errors import InvalidStatement, TooLarge
from statements.prepare import Prepared, prepare

# what one transaction takes at most: others wait for it
MAX_STATEMENTS = 10_000
MAX_REFERENCES = 20_000
MAX_LIMIT = 500
# a page ends with the statement that reaches it, though more were asked for
PAGE_BYTES = 16 << 20
# how long a writer may have waited with the instant of its request
SETTLED = timedelta(minutes=1)
_FILTERS = (
    "agent",
    "verb",
    "activity",
    "registration",
    "related_agents",
    "related_activities",
    "since",
    "until",
)
log = logging.getLogger("rollcall.statements")


# Storing


def prepare_body(body: bytes, *, version: str, now: datetime) -> list[Prepared]:
    """The statement or the list of them in a body, ready for the store.

    Raises Invalid and TooLarge; paths in errors start at the whole body.
    """
    received = text.split_statements(body)
    if len(received) > MAX_STATEMENTS:
        raise TooLarge(
            f"A request may have {MAX_STATEMENTS} statements; send them in parts.",
            limit=MAX_STATEMENTS,
        )
    is_one = len(received) == 1
    return [
        prepare_one(statement, raw, version, now, None if is_one else index)
        for index, (statement, raw) in enumerate(received)
    ]


def prepare_one(
    statement: dict[str, Any],
    raw: bytes,
    version: str,
    now: datetime,
    index: int | None = None,
) -> Prepared:
    """The statement ready for the store; `index` is its place in a list."""
    try:
        return prepare(statement, raw, version=version, now=now)
    except InvalidStatement as error:
        if index is not None:
            path = f"$[{index}]{error.extra.get('path', '$')[1:]}"
            detail = error.detail.replace(str(error.extra.get("path")), path, 1)
            raise InvalidStatement(detail, **{**error.extra, "path": path}) from error
        raise


def write_of(
    caller: Caller, prepared: list[Prepared], *, now: datetime, revision: int
) -> Write:
    """What the caller asks to store, presumed under a revision; raises TooLarge."""
    named = [one.references for one in prepared]
    count = sum(
        len(one.actors) + len(one.activities) + len(one.attachments) for one in named
    )
    if count > MAX_REFERENCES:
        raise TooLarge(
            f"The statements of a request may name {MAX_REFERENCES} actors, "
            "activities and attachments; send them in parts.",
            limit=MAX_REFERENCES,
        )
    return Write(
        tenant=caller.tenant_id,
        statements=prepared,
        authority=caller.authority_text,
        now=now,
        may_void_any=holds(caller, "statements/void"),
        may_define=holds(caller, "define"),
        revision=revision,
    )


def ids_of(prepared: Sequence[Prepared]) -> bytes:
    """The ids as JSON, in order."""
    return orjson.dumps([str(one.id) for one in prepared])


# Reading


@dataclass(frozen=True, slots=True)
class Asked:
    """A page as a caller asks for it.

    `given` are the typed parameters, `position` is the content of a cursor (the
    parameters as they were given, and where the page before ended).
    """

    caller: Caller
    version: str
    given: Mapping[str, Any]
    position: Mapping[str, Any]

    @property
    def filter(self) -> Filter:
        """What was asked for, within what the caller may read."""
        caller, given = self.caller, self.given
        is_reader = holds(caller, "statements/read")
        return Filter(
            **{name: given[name] for name in _FILTERS if name in given},
            authority=None if is_reader else key_of(caller.authority_text),
            behind_wall=behind_wall(caller),
            confined=caller.bounds is not None and "registration" in given,
        )


class Read(NamedTuple):
    """A page, and the instant before which nothing is missing in it."""

    page: Page
    seen: Glance
    instant: datetime


def behind_wall(caller: Caller) -> bool:
    """Whether the caller may read behind the pre-test wall, which is logged."""
    if not holds(caller, SCOPE):
        return False
    log.warning(
        "reading behind the pre-test wall",
        extra={"tenant": caller.tenant_id, "credential": caller.key},
    )
    return True


def presumed_page(
    parts: Parts, process: Process, asked: Asked, *, revision: int, now: datetime
) -> Read | None:
    """The page, if the command that finds it also finds the revision unchanged.

    None where that cannot be told, or is not so.
    """
    tenant, given = asked.caller.tenant_id, asked.given
    instants = [given[name] for name in ("since", "until") if name in given]
    if any(one > now - SETTLED for one in instants):
        # what may yet be stored before such an instant needs the glance to come first
        return None
    wall = process.remembered.presumed_wall(tenant, revision)
    if wall is None:
        return None
    page = find_page(process, asked, wall, newest=None, glances=True)
    seen = page.seen
    if seen is None or process.remembered.note(seen).revision != revision:
        return None
    latest = consistent_through(parts.engine, seen, now=now)
    # what was stored since the page was read is later than the instant of its reading
    instant = latest.stored if latest.seq == seen.seq else seen.stored
    return Read(page, seen, instant)


def find_page(
    process: Process, asked: Asked, wall: Wall, *, newest: int | None, glances: bool
) -> Page:
    """The page, up to the number that its first page was bound to, or `newest`."""
    tenant, given, position = asked.caller.tenant_id, asked.given, asked.position
    filter, remembered = asked.filter, process.remembered
    limit = min(given["limit"] or MAX_LIMIT, MAX_LIMIT)
    is_bulky = limit * remembered.largest(tenant) > PAGE_BYTES
    with process.direct.driver() as driver:
        return query.find_statements(
            driver,
            tenant=tenant,
            filter=filter,
            limit=limit,
            ascending=given["ascending"],
            after=position.get("after"),
            newest=position.get("newest", newest),
            wall=wall,
            refers=lambda: remembered.refers(driver, tenant),
            glances=glances,
            most_bytes=PAGE_BYTES if is_bulky else None,
        )


def exact(found: Sequence[Found], *, version: str) -> list[bytes]:
    """The text of each statement, as a reader of this version gets it."""
    plain = PLAIN[version]
    return [
        one.payload
        if one.plain & plain
        else formats.exact(one.payload, version=version)
        for one in found
    ]


def page_body(
    asked: Asked,
    page: Page,
    bodies: Sequence[bytes],
    *,
    query: dict[str, str],
    newest: int,
    path: str,
    secret: str,
) -> bytes:
    """A StatementResult: `bodies`, and the address of the next page if there is one.

    `query` are the parameters as in the address, `newest` is what the reading is
    bound to from its first page on.
    """
    more = ""
    if page.has_more:
        content = {
            "query": asked.position.get("query", query),
            "after": page.found[-1].seq,
            "newest": asked.position.get("newest", newest),
        }
        cursor = write_cursor(content, secret=secret, caller=asked.caller.key)
        # of characters that need no escape in an address
        more = f"{path}?cursor={cursor}"
    head, tail = b'{"statements":[', b'],"more":' + orjson.dumps(more) + b"}"
    if not bodies:
        return head + tail
    # one copy of what may be large
    first, *between = bodies
    return b",".join([head + first, *between]) + tail


def newest_of(asked: Asked, page: Page) -> datetime | None:
    """When the newest statement of the page was stored."""
    if not page.found:
        return None
    return page.found[-1 if asked.given["ascending"] else 0].stored
