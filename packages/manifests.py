"""Manifests of imported packages, kept in memory: once imported they never change.

Everything a learner does needs the manifest of its package. To decode one of a hundred
units takes 0.7 ms, one of a thousand ten times that (measured), at every commit; so the
last used stay read.
"""

import threading
import uuid
from collections import OrderedDict

from sqlalchemy.orm import Session

from packages.courses import get_package, manifest_of
from packages.manifest import Manifest

# of all manifests kept, together
MOST_UNITS = 5000


class Manifests:
    """Manifests by package, the last used, up to a number of units in all."""

    def __init__(self, most: int = MOST_UNITS) -> None:
        """Keep up to `most` units; a manifest counts for one at least."""
        self.most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[uuid.UUID, Manifest] = OrderedDict()
        self._units = 0

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def get(self, db: Session, *, package_id: uuid.UUID) -> Manifest:
        """The manifest of a package, which nobody may change.

        Raises PackageNotFound, and PackageNotImported where there is none.
        """
        with self._lock:
            known = self._kept.get(package_id)
            if known is not None:
                self._kept.move_to_end(package_id)
                return known
        found = manifest_of(get_package(db, package_id=package_id))
        with self._lock:
            if package_id not in self._kept:
                self._kept[package_id] = found
                self._units += _weight(found)
            while self._units > self.most:
                _, dropped = self._kept.popitem(last=False)
                self._units -= _weight(dropped)
        return found


def _weight(manifest: Manifest) -> int:
    return max(1, len(manifest.units) + len(manifest.blocks))


_MANIFESTS = Manifests()
manifest_at = _MANIFESTS.get
