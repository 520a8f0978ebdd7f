"""Record stores with something in them, and the two commands as functions."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lrs.db import writing
from lrs.store import authority_text, store_statements
from lrs.tables import MAIN_TENANT
from lrs.transfer.data import keep_data
from lrs.transfer.exports import Wanted, export_statements
from lrs.transfer.imports import import_authority, import_statements
from statements import text
from statements.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lrs.parts import Parts
    from lrs.transfer.exports import Exported
    from lrs.transfer.imports import Imported

BEGIN = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
LMS = {
    "objectType": "Agent",
    "name": "LMS ö",
    "account": {"homePage": "https://lrs.example", "name": "one"},
}
OTHER = {"account": {"homePage": "https://lrs.example", "name": "other"}}
OWN = import_authority("https://lrs.example")


def make(**members: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:officer@example.org", "name": "Zoë \u2028 Ø"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "http://example.org/activities/course"},
        "timestamp": "2026-03-01T08:00:00Z",
    } | members


def voiding(target: str, **members: Any) -> dict[str, Any]:
    return make(
        verb={"id": "http://adlnet.gov/expapi/verbs/voided"},
        object={"objectType": "StatementRef", "id": target},
        **members,
    )


# the same statement as clients spell it: their bytes are kept
SPELLINGS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "tight": lambda one: json.dumps(one, separators=(",", ":")).encode(),
    "loose": lambda one: json.dumps(one).encode(),
    "lines": lambda one: json.dumps(one, indent=2, ensure_ascii=False).encode(),
    "windows": lambda one: json.dumps(one, indent=1).replace("\n", "\r\n").encode(),
    "numbers": lambda one: (
        json.dumps(one | {"result": {"score": {"raw": 1}}})
        .replace('"raw": 1', '"raw" : 1.50e0')
        .encode()
    ),
}


def put(
    parts: Parts,
    *raws: bytes,
    authority: dict[str, Any] = LMS,
    now: datetime = BEGIN,
    tenant: int = MAIN_TENANT,
    version: str = "1.0.3",
    may_void_any: bool = False,
) -> list[str]:
    """Store statements as a request with these bytes would; their ids."""
    made = [prepare(text.load(raw), raw, version=version, now=now) for raw in raws]
    with writing(parts.engine) as db:
        ids = store_statements(
            db,
            tenant=tenant,
            statements=made,
            authority=authority,
            now=now,
            may_void_any=may_void_any,
        )
    return [str(one) for one in ids]


def put_all(parts: Parts, count: int, **members: Any) -> list[str]:
    raws = [SPELLINGS["loose"](make(**members)) for _ in range(count)]
    return put(parts, *raws)


def put_data(parts: Parts, data: bytes, tenant: int = MAIN_TENANT) -> dict[str, Any]:
    """Keep data in the record store; the attachment that a statement declares it by."""
    sha2 = hashlib.sha256(data).hexdigest()
    keep_data(parts, tenant, sha2, io.BytesIO(data), authority_text(LMS), BEGIN)
    return attachment(data)


def attachment(data: bytes) -> dict[str, Any]:
    return {
        "usageType": "http://example.org/usage/report",
        "display": {"en-US": "Report"},
        "contentType": "text/plain",
        "length": len(data),
        "sha2": hashlib.sha256(data).hexdigest(),
    }


def silent(_done: int, _whole: int) -> None:
    pass


def export(parts: Parts, path: Path, **wanted: Any) -> Exported:
    return export_statements(parts, path, Wanted(**wanted), progress=silent)


def take(
    parts: Parts,
    path: Path,
    *,
    tenant: int = MAIN_TENANT,
    authority: dict[str, Any] | None = OWN,
    keep_going: bool = False,
) -> Imported:
    moments = iter(range(10**9))
    return import_statements(
        parts,
        path,
        tenant=tenant,
        authority=authority,
        keep_going=keep_going,
        clock=lambda: BEGIN + timedelta(days=1, seconds=next(moments)),
        progress=silent,
    )


def ids_of(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_bytes().splitlines()]
