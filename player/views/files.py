"""A package's files, byte for byte, before Flask is asked.

Every page of a course asks for dozens of files, so they are answered here: one command
of the database (`player/grants.py`) says whether a launch of the label is open and
where the file lies, then its bytes follow, from memory where they are small. Flask has
the addresses under `/__player/`, where no file of a package is ever looked up.

RFC 9110: conditions (13), ranges (14), content codings (8.4), HEAD (9.3.2). RFC 9111:
caching. A path is undone from its escapes once and is then the file's own, or nobody's.
"""

import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, BinaryIO

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from lrs.config import Config, plain_host
from lrs.db import reading
from lrs.direct import Direct
from lrs.parts import Parts
from lrs.problems import headers_of, status_of
from lrs.server import ROUTE
from lrs.signed import make_signer
from packages.compressed import beside
from packages.media import content_type, is_compressible, is_document, is_media
from player.grants import ServedFile, find_served
from player.kept import Kept
from player.launches import find_content
from player.views.protection import Headers, Protection, Wsgi
from player.views.ranges import Section, is_current, is_known, sections
from statements.errors import DomainError, Unavailable

LABEL = re.compile(r"[0-9a-f]{32}")
OURS = "/__player/"
# as quick as larger ones (measured), and 64 at once are not too much
CHUNK = 1 << 18
# answers up to this size are kept in memory, as many as there is room for
SMALL = 1 << 18
KEPT_BYTES = 32 << 20
# audio and video from this size on may come from the S3 server itself
LARGE_MEDIA = 8 << 20
# A browser's player asks for all of a film, then reads as it plays. It gets it piece by
# piece (RFC 9110, 15.3.7): what the server can take off our hands at once, so that no
# thread waits for somebody who looks at a picture that stands still.
PIECE = 1 << 20
PLAYERS = frozenset({"audio", "video"})
# What is longer keeps a thread until it has been read to its end (measured); so many may.
UNHELD = 1 << 21
STREAMS = 32
METHODS = "GET, HEAD, OPTIONS"
SHOWN = frozenset({"document", "iframe", "frame", "embed", "object"})
REASONS = {int(one): f"{one.value} {one.phrase}" for one in HTTPStatus}
NOT_OPEN = "This unit is not open. Launch it again from the portal."
NOT_THERE = "This file is not in the package."
NO_WORKERS = "Service workers are not allowed here."
ONLY_READ = "Files of a package can only be read."

Environ = dict[str, Any]
Answer = tuple[int, Headers, Iterable[bytes]]


def label_of(config: Config, host: str) -> str:
    """The label of a host right under the content host, or nothing that is one."""
    scheme, _, base = config.content_url.partition("://")
    label, _, rest = plain_host(host, scheme=scheme).partition(".")
    return label if rest == base and LABEL.fullmatch(label) else ""


def is_service_worker(environ: Environ) -> bool:
    """Whether a service worker is asked for: it would stand before the shell."""
    return (
        environ.get("HTTP_SEC_FETCH_DEST") == "serviceworker"
        or "HTTP_SERVICE_WORKER" in environ
    )


@lru_cache(maxsize=256)
def takes_gzip(header: str) -> bool:
    """Whether an Accept-Encoding allows gzip (RFC 9110, 12.5.3)."""
    return parse_accept_header(header, Accept)["gzip"] > 0


def path_of(environ: Environ) -> str | None:
    """The path below the root, its escapes undone; None when no file can have it."""
    try:
        path: str = environ["PATH_INFO"].encode("latin-1").decode()
    except UnicodeError:
        return None
    return None if "\x00" in path or not path.startswith("/") else path[1:]


class TooManyStreams(Unavailable):
    """Too many large files are being read at this moment; try again."""


class Files:
    """Answers for the files of packages; gives what is ours to `rest`."""

    def __init__(self, rest: Wsgi, parts: Parts, protection: Protection) -> None:
        """Stand before `rest`."""
        self.rest = rest
        self.parts = parts
        self.storage = parts.storage
        self.protection = protection
        self.direct = Direct(parts.engine)
        self.signer = make_signer(parts.config)
        self.kept = Kept(total=KEPT_BYTES, largest=SMALL)
        self.places = threading.BoundedSemaphore(STREAMS)

    def __call__(
        self, environ: Environ, start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer for a file, or let `rest` answer."""
        if environ["PATH_INFO"].startswith(OURS):
            return self.rest(environ, start_response)
        ROUTE.set("content.file")
        hosts: tuple[str, ...] = ()
        try:
            found = self._find(environ)
            if isinstance(found, ServedFile):
                hosts = found.hosts
                path = environ["PATH_INFO"]
                status, headers, body = self.answer(found, content_type(path), environ)
            else:
                status, headers, body = found
        except DomainError as error:
            told = [(name, str(value)) for name, value in headers_of(error).items()]
            status, headers, body = _told(status_of(error), error.detail, *told)
        start_response(REASONS[status], [*self.protection.headers(hosts), *headers])
        return body

    def _find(self, environ: Environ) -> ServedFile | Answer:
        """The file that is asked for, or the answer that there is none."""
        if is_service_worker(environ):
            return _told(403, NO_WORKERS)
        method = environ["REQUEST_METHOD"]
        if method not in {"GET", "HEAD"}:
            allowed = ("Allow", METHODS)
            return (
                (200, [allowed, ("Content-Length", "0"), _UNSTORED], ())
                if method == "OPTIONS"
                else _told(405, ONLY_READ, allowed)
            )
        label = label_of(self.parts.config, environ.get("HTTP_HOST", ""))
        path, now = path_of(environ), datetime.now(UTC)
        if label and path:
            with self.direct.driver() as driver:
                found = find_served(driver, label=label, path=path, now=now)
            if found is not None:
                return found
        with reading(self.parts.engine) as db:
            is_open = find_content(db, label=label, now=now) is not None
        return _told(404, NOT_THERE if is_open else NOT_OPEN)

    def answer(self, found: ServedFile, kind: str, environ: Environ) -> Answer:
        """The file, or the part of it, that the request's headers ask for."""
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        etag = f'"{found.sha256}"'
        ranged = None if is_head else environ.get("HTTP_RANGE")
        if ranged and environ.get("HTTP_IF_RANGE", etag) != etag:
            ranged = None
        packs = is_compressible(kind)
        packed = (
            found.gzip_size is not None
            and packs
            and ranged is None
            and takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
        )
        headers = [("Accept-Ranges", "bytes"), _CACHED[is_document(kind)]]
        if packs:
            headers.append(("Vary", "Accept-Encoding"))
        if kind == "application/pdf":
            headers.append(("Vary", "Sec-Fetch-Dest"))
            if environ.get("HTTP_SEC_FETCH_DEST") in SHOWN:
                # Chromium shows no PDF in a sandboxed frame; saved, it can be read
                headers.append(("Content-Disposition", "attachment"))
        shown = f'"{found.sha256}-gzip"' if packed else etag
        headers.append(("ETag", shown))
        if_match = environ.get("HTTP_IF_MATCH")
        if if_match and not is_current(if_match, shown):
            return 412, [*headers, ("Content-Length", "0")], ()
        if is_known(environ.get("HTTP_IF_NONE_MATCH"), shown):
            return 304, headers, ()
        if self._may_come_from_elsewhere(found, kind, environ):
            return self._elsewhere(found, kind)
        wanted = sections(ranged, found.size)
        if wanted and environ.get("HTTP_SEC_FETCH_DEST") in PLAYERS:
            wanted = [one.up_to(PIECE) for one in wanted]
        if wanted is not None:
            return self._partial(found, kind, wanted, headers)
        key, size = found.storage_key, found.size
        if packed and found.gzip_size is not None:
            key, size = beside(key), found.gzip_size
            headers.append(("Content-Encoding", "gzip"))
        headers += [("Content-Type", kind), ("Content-Length", str(size))]
        return 200, headers, () if is_head else self._whole(key, size)

    def _may_come_from_elsewhere(
        self, found: ServedFile, kind: str, environ: Environ
    ) -> bool:
        """Whether a browser's own player asks for large audio or video.

        Scripts and pages that ask by themselves are answered from here: another
        origin would not be theirs to read.
        """
        return (
            self.signer is not None
            and found.size >= LARGE_MEDIA
            and is_media(kind)
            and environ.get("HTTP_SEC_FETCH_DEST") in PLAYERS
            and environ.get("HTTP_SEC_FETCH_MODE") == "no-cors"
        )

    def _elsewhere(self, found: ServedFile, kind: str) -> Answer:
        assert self.signer is not None  # noqa: S101 - asked before, for the type checker
        address = self.signer.address(found.storage_key, content_type=kind)
        return 307, [("Location", address), ("Content-Length", "0"), _UNSTORED], ()

    def _whole(self, key: str, size: int) -> Iterable[bytes]:
        """All bytes under a key: in one piece when they are few, else as a stream.

        Opened at once, so that a failure has a status.
        """
        if size > SMALL:
            return self._stream(size, lambda: self.storage.open(key))

        def load() -> bytes:
            with self.storage.open(key) as stream:
                return stream.read()

        return [self.kept.get(key, load)]

    def _part(self, found: ServedFile, one: Section) -> Iterator[bytes]:
        return self._stream(
            one.end - one.start,
            lambda: self.storage.open(found.storage_key, start=one.start, end=one.end),
        )

    def _stream(self, size: int, source: Callable[[], BinaryIO]) -> "Stream":
        """The bytes of an open file; raises TooManyStreams when too many are read."""
        if size <= UNHELD:
            return Stream(source())
        if not self.places.acquire(blocking=False):
            raise TooManyStreams
        try:
            return Stream(source(), self.places.release)
        except BaseException:
            self.places.release()
            raise

    def _partial(
        self, found: ServedFile, kind: str, wanted: list[Section], headers: Headers
    ) -> Answer:
        """The sections that are wanted, which may be none, one or several."""
        if not wanted:
            told = [("Content-Range", f"bytes */{found.size}"), ("Content-Length", "0")]
            return 416, [*headers, *told], ()
        if len(wanted) == 1:
            [one] = wanted
            headers += [
                ("Content-Type", kind),
                ("Content-Range", one.header),
                ("Content-Length", str(one.end - one.start)),
            ]
            return 206, headers, self._part(found, one)
        boundary = secrets.token_hex(16)
        headers.append(("Content-Type", f"multipart/byteranges; boundary={boundary}"))
        pieces = [(one, self._part(found, one)) for one in wanted]
        return 206, headers, _multipart(pieces, kind, boundary)


_UNSTORED = ("Cache-Control", "no-store")
# what a browser shows as a page carries the headers of its own answer, so it is asked
# for again; everything else never changes under one label
_CACHED = {
    True: ("Cache-Control", "private, no-cache"),
    False: ("Cache-Control", "private, max-age=31536000, immutable"),
}


def _told(status: int, reason: str, *more: tuple[str, str]) -> Answer:
    """A refusal; a unit's frame shows it to a person, so it is plain text."""
    body = f"{reason}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        _UNSTORED,
        *more,
    ]
    return status, headers, [body]


class Stream:
    """The blocks of an open file, which is closed with it, read or not."""

    def __init__(self, file: BinaryIO, done: Callable[[], None] | None = None) -> None:
        """Read from `file`; `done` is called when that is over."""
        self._file = file
        self._done = done

    def __iter__(self) -> "Stream":
        """Itself."""
        return self

    def __next__(self) -> bytes:
        """The next block."""
        block = self._file.read(CHUNK)
        if not block:
            self.close()
            raise StopIteration
        return block

    def close(self) -> None:
        """Let go of the file; again is harmless."""
        self._file.close()
        if self._done is not None:
            done, self._done = self._done, None
            done()

    def __del__(self) -> None:
        """Nobody closes what was never begun."""
        self.close()


def _multipart(
    pieces: Iterable[tuple[Section, Iterator[bytes]]], kind: str, boundary: str
) -> Iterator[bytes]:
    for one, stream in pieces:
        head = f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {one.header}"
        yield f"{head}\r\n\r\n".encode()
        yield from stream
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()
