"""What the server sets in a statement.

xAPI 1.0.3 Data 2.4.1, 2.4.7-2.4.10; xAPI 2.0 4.2.4.2. `id`, `timestamp` and
`version` are set where they are missing; `authority` and `stored` are always the
server's own, so what a client sent in their place is taken out.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from statements import scalars, text

# what a statement without a version says it is (Data 2.4.10; 2.0 4.2.4.3)
DEFAULT_VERSIONS = {"1": "1.0.0", "2": "2.0.0"}
SERVER_SET = ("authority", "stored")


def stamp(
    statement: dict[str, Any], raw: bytes, *, version: str, now: datetime
) -> tuple[dict[str, Any], bytes]:
    """The statement and its text without what only the server sets, and complete."""
    added: dict[str, Any] = {}
    if "id" not in statement:
        added["id"] = str(uuid4())
    if "timestamp" not in statement:
        added["timestamp"] = scalars.format_timestamp(now)
    if "version" not in statement:
        added["version"] = DEFAULT_VERSIONS[version[0]]
    if "authority" in statement or "stored" in statement:
        statement = {k: v for k, v in statement.items() if k not in SERVER_SET}
        raw = text.without(raw, SERVER_SET, statement)
    if not added:
        return statement, raw
    return {**statement, **added}, text.append(raw, added)


def statement_id(statement: dict[str, Any]) -> UUID:
    """The id of a stamped statement."""
    return UUID(statement["id"])
