"""What a content label opens, asked anew for every file in one command of the driver.

A label answers only while a launch or preview of it is open, and a package's file only
while the package has it; so neither is remembered between requests, and what ends, is
deleted or is no longer allowed holds at once in every process. A session of SQLAlchemy
would cost more than all the rest of such a request (lrs/direct.py).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lrs.direct import Driver

# All launches of a label are of one package: the label is made of it. A package may be
# a version of several courses, each with hosts of its own.
_FILE = """
SELECT package_file.storage_key, package_file.size, package_file.sha256,
    package_file.gzip_size, allowed_host.host
FROM (
    SELECT package_id FROM launch
    WHERE label = {0} AND ended_at IS NULL AND expires_at > {0}
    UNION SELECT package_id FROM preview WHERE label = {0} AND expires_at > {0}
) AS open
JOIN package_file ON package_file.package_id = open.package_id
    AND package_file.path = {0}
LEFT JOIN course_version ON course_version.package_id = open.package_id
LEFT JOIN allowed_host ON allowed_host.version_id = course_version.id
"""
_FILES = {"postgresql": _FILE.format("%s"), "sqlite": _FILE.format("?")}


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file of the package that a label opens; `hosts` is what its pages may reach.

    `gzip_size` is that of its compressed bytes, None where there are none.
    """

    storage_key: str
    size: int
    sha256: str
    gzip_size: int | None
    hosts: tuple[str, ...]


def find_served(
    driver: Driver, *, label: str, path: str, now: datetime
) -> ServedFile | None:
    """The file at exactly this path; None unless the label is open."""
    at = _written(driver.dialect, now)
    rows = driver.rows(_FILES[driver.dialect], (label, at, label, at, path))
    if not rows:
        return None
    key, size, sha256, gzip_size, host = rows[0]
    hosts = () if host is None else tuple(sorted({row[4] for row in rows} - {None}))
    return ServedFile(key, size, sha256, gzip_size, hosts)


def _written(dialect: str, now: datetime) -> Any:
    """The instant as the database keeps it (SQLite: text without a zone)."""
    if dialect == "postgresql":
        return now
    return now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
