"""Other servers that a package needs, and those that an author lets it reach.

What a package loads from elsewhere is found at import and kept with it. The content
site blocks all of it until an author allows a host for a version of a course; then
every launch of that version's package may load from it, at once, and no longer as soon
as the host is taken from the list. `player/views/protection.py` makes the
Content-Security-Policy of it (CSP Level 3, section 2.3.1: host sources).
"""

import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.db import Base, UtcDateTime
from packages.courses import CourseVersion, Package, get_version
from packages.manifest import is_absolute
from statements.errors import Invalid

# every answer of the content site names them all, and proxies bound its headers
MOST = 30
MOST_CHARACTERS = 1000

_NAME = re.compile(
    r"(?=[^:]{1,253}(?::|\Z))(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?(?::([1-9][0-9]{0,4}))?"
)
_LARGEST_PORT = 65535
# names that mean something else on every machine or in every network
_NEAR = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


class InvalidHost(Invalid):
    """This is not the name of a public server."""


class TooManyHosts(Invalid):
    """More servers are named than a version may be allowed to reach."""


class AllowedHost(Base):
    """A server that the content of a version may load from."""

    __tablename__ = "allowed_host"

    version_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("course_version.id"), primary_key=True
    )
    host: Mapped[str] = mapped_column(String(260), primary_key=True)
    allowed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    allowed_by: Mapped[str] = mapped_column(String(255))


def needed_hosts(package: Package) -> tuple[str, ...]:
    """The servers that the package loads from or keeps units on, sorted."""
    found = set(package.needed_hosts or ())
    for unit in (package.manifest or {}).get("units", ()):
        if is_absolute(unit["launch"]):
            found.add(_host_of(unit["launch"]))
    return tuple(sorted(found - {""}))


def _host_of(address: str) -> str:
    """Host and port of an absolute address, or nothing."""
    try:
        return urlsplit(address).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def check_host(text: str) -> str:
    """The host in small letters, with a port where one is named; raises InvalidHost.

    A whole address is taken for its host.
    """
    written = text.strip()
    host = _host_of(written) if "//" in written else written.lower()
    match = _NAME.fullmatch(host)
    name = host.partition(":")[0]
    if (
        match is None
        or f".{name}".endswith(_NEAR)
        or int(match[1] or 0) > _LARGEST_PORT
    ):
        raise InvalidHost(
            f"{written[:80]!r} is not the name of a public server; write it as in "
            "cdn.example.org or cdn.example.org:8443."
        )
    return host


def allow_hosts(
    db: Session,
    *,
    version_id: uuid.UUID,
    hosts: Iterable[str],
    by: str,
    now: datetime,
) -> tuple[str, ...]:
    """Exactly these hosts, sorted, are what the version's content may reach from now.

    Raises CourseNotFound, InvalidHost, TooManyHosts.
    """
    get_version(db, version_id=version_id)
    wanted = sorted({check_host(host) for host in hosts})
    if len(wanted) > MOST or len(" ".join(wanted)) > MOST_CHARACTERS:
        raise TooManyHosts(
            f"{len(wanted)} servers are named; a version may reach {MOST} of "
            f"{MOST_CHARACTERS} characters together."
        )
    known = {row.host: row for row in find_allowed(db, version_id=version_id)}
    gone = [host for host in known if host not in wanted]
    chosen = AllowedHost.version_id == version_id
    db.execute(delete(AllowedHost).where(chosen, AllowedHost.host.in_(gone)))
    db.add_all(
        AllowedHost(version_id=version_id, host=host, allowed_at=now, allowed_by=by)
        for host in wanted
        if host not in known
    )
    db.flush()
    return tuple(wanted)


def find_allowed(db: Session, *, version_id: uuid.UUID) -> Sequence[AllowedHost]:
    """What the version may reach, who allowed it and when, by host."""
    chosen = select(AllowedHost).where(AllowedHost.version_id == version_id)
    return db.scalars(chosen.order_by(AllowedHost.host)).all()


def allowed_hosts(db: Session, *, package_id: uuid.UUID) -> tuple[str, ...]:
    """What any version with this package may reach, sorted."""
    chosen = (
        select(AllowedHost.host)
        .join(CourseVersion, CourseVersion.id == AllowedHost.version_id)
        .where(CourseVersion.package_id == package_id)
        .distinct()
        .order_by(AllowedHost.host)
    )
    return tuple(db.scalars(chosen))
