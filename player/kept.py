"""Small bytes of storage kept in memory, the last used of them.

What lies under a storage key of a package never changes, so it can be kept as long as
there is room. A file of the machine comes from the system's own memory nearly as fast;
an object of an S3 server takes milliseconds each time.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable


class Kept:
    """Bytes by storage key, up to a number of bytes in all."""

    def __init__(self, *, total: int, largest: int) -> None:
        """Keep up to `total` bytes, and nothing that is longer than `largest`."""
        self.total = total
        self.largest = largest
        self._lock = threading.Lock()
        self._size = 0
        self._bytes: OrderedDict[str, bytes] = OrderedDict()

    @property
    def size(self) -> int:
        """How many bytes are kept."""
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
                self._size += len(found)
            while self._size > self.total:
                _, gone = self._bytes.popitem(last=False)
                self._size -= len(gone)
        return found
