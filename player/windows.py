"""Whether a unit is shown in the player page's frame, or in a window of its own.

Units of a package are framed. One on another server can be framed only where an author
has allowed that server for the course: the content site's policy shows no other, and a
server that nobody looked at may refuse to be framed or lose its cookies there. In a
window of its own it works everywhere.
"""

from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from lrs.config import Config
from packages.courses import Package
from packages.hosts import allowed_hosts
from packages.manifest import Unit


def stands_apart(db: Session, *, config: Config, package: Package, unit: Unit) -> bool:
    """Whether the unit needs a window of its own."""
    if not unit.is_external:
        return False
    address = urlsplit(unit.launch)
    is_mixed = address.scheme == "http" and config.portal_url.startswith("https:")
    host = address.netloc.rpartition("@")[2].lower()
    return is_mixed or host not in allowed_hosts(db, package_id=package.id)
