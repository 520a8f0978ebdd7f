"""Small bytes of storage kept in memory, the last used of them.

What lies under a storage key of a package never changes, so it can be kept as long as
there is room. A file of the machine comes from the system's own memory nearly as fast;
an object of an S3 server takes milliseconds each time.
"""

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable

# what an entry of an ordered dictionary takes, with some to spare (91 measured)
PLACE = 120


class Kept:
    """Bytes by storage key, up to a number of bytes in all, those of keeping too."""

    def __init__(self, *, total: int, largest: int) -> None:
        """Keep up to `total` bytes, and nothing that is longer than `largest`."""
        self.total = total
        self.largest = largest
        self._lock = threading.Lock()
        self._size = 0
        self._bytes: OrderedDict[str, bytes] = OrderedDict()

    @property
    def size(self) -> int:
        """How much memory is taken."""
        return self._size

    def get(self, key: str, load: Callable[[], bytes]) -> bytes:
        """The bytes under `key`, loaded unless they are kept."""
        with self._lock:
            known = self._bytes.get(key)
            if known is not None:
                self._bytes.move_to_end(key)
                return known
        found = load()
        if len(found) > self.largest:
            return found
        with self._lock:
            if key not in self._bytes:
                self._bytes[key] = found
                self._size += taken(key, found)
            while self._size > self.total:
                self._size -= taken(*self._bytes.popitem(last=False))
        return found


def taken(key: str, found: bytes) -> int:
    """What keeping these bytes takes: themselves, the key, and their place."""
    return sys.getsizeof(found) + sys.getsizeof(key) + PLACE
