"""Files of packages as learners get them: exact, small and large, from memory or S3."""

from __future__ import annotations

import gzip
import http.client
import random
import socket
import string
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, unquote_to_bytes, urlsplit

import pytest

from lrs.config import Config
from lrs.db import make_engine
from lrs.parts import Parts
from lrs.storage import make_storage
from player.views import files
from player.views.files import label_of, path_of, takes_gzip
from tests.conftest import s3_config, sqlite_url, storage_of
from tests.player.opened import FILES, FILM, SCRIPT, Open, open_on
from tests.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.servers import Servers

LABEL = "0123456789abcdef" * 2
# more than sockets take of it while nobody reads
LONG = random.Random(3).randbytes(24 << 20)  # noqa: S311


@pytest.mark.parametrize(
    ("host", "label"),
    [
        (f"{LABEL}.content.localhost:8000", LABEL),
        (f"{LABEL.upper()}.Content.LOCALHOST:8000", LABEL),
        (f"{LABEL}.content.localhost.:8000", LABEL),
        (f"{LABEL}.content.localhost", ""),
        (f"{LABEL}.content.localhost:8001", ""),
        (f"{LABEL}.other.content.localhost:8000", ""),
        (f"x.{LABEL}.content.localhost:8000", ""),
        (f"{LABEL[1:]}.content.localhost:8000", ""),
        (f"{LABEL}0.content.localhost:8000", ""),
        (f"{LABEL}.evil.localhost:8000", ""),
        (f"{LABEL}", ""),
        ("content.localhost:8000", ""),
        ("", ""),
    ],
)
def test_a_label_stands_right_under_the_content_host(
    config: Config, host: str, label: str
) -> None:
    assert label_of(config, host) == label


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("br, gzip", True),
        ("GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("br", False),
        ("xgzip", False),
    ],
)
def test_takes_gzip(header: str, *, taken: bool) -> None:
    assert takes_gzip(header) is taken


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/", ""),
        ("/a/b.html", "a/b.html"),
        ("//a", "/a"),
        ("/\xc3\xbc", "ü"),
        ("/\xfc", None),
        ("/a\x00", None),
        ("", None),
        ("a", None),
        ("*", None),
    ],
)
def test_path_of(raw: str, path: str | None) -> None:
    assert path_of({"PATH_INFO": raw}) == path


@pytest.fixture
def opened(sqlite_engine: Engine, config: Config) -> Open:
    """Give an open launch on SQLite and files."""
    return open_on(Parts(config, sqlite_engine, make_storage(config)))


@pytest.fixture
def reads(opened: Open, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the keys that are read from storage, in turn."""
    storage, found = opened.site.parts.storage, []
    really = storage.open

    def note(key: str, **section: Any) -> Any:
        found.append(key)
        return really(key, **section)

    monkeypatch.setattr(storage, "open", note)
    return found


def test_small_files_are_read_once_and_large_ones_are_streamed(
    opened: Open, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        assert opened.get("/film.mp4").data == FILM
    assert len(reads) == 1
    monkeypatch.setattr(files, "SMALL", 1000)
    for _ in range(2):
        answer = opened.get("/film.mp4", Cache_Control="no-cache")
        assert answer.data == FILM
        assert answer.headers["Content-Length"] == str(len(FILM))
    assert len(reads) == 3


def test_compressed_bytes_come_as_they_lie(opened: Open, reads: list[str]) -> None:
    for _ in range(2):
        answer = opened.get("/lib/app.js", Accept_Encoding="gzip")
        assert answer.headers["Content-Length"] == str(len(answer.data))
        assert gzip.decompress(answer.data).decode() == SCRIPT
    [key] = reads
    assert key.endswith(".gz")
    head = opened.client.head(
        "/lib/app.js", base_url=opened.host, headers={"Accept-Encoding": "gzip"}
    )
    assert head.headers["Content-Length"] == answer.headers["Content-Length"]
    part = opened.get("/lib/app.js", Accept_Encoding="gzip", Range="bytes=0-4")
    assert (part.status_code, part.data) == (206, b"const")
    assert part.headers["ETag"] != answer.headers["ETag"]


# --- who reads slowly -------------------------------------------------------------------


@pytest.mark.parametrize("dest", ["audio", "video"])
def test_a_browsers_player_gets_pieces(
    opened: Open, dest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PIECE", 100_000)
    start, got = 0, b""
    while start < len(FILM):
        piece = opened.get("/film.mp4", Range=f"bytes={start}-", Sec_Fetch_Dest=dest)
        assert piece.status_code == 206
        end = min(start + 100_000, len(FILM))
        told = f"bytes {start}-{end - 1}/{len(FILM)}"
        assert piece.headers["Content-Range"] == told
        start, got = end, got + piece.data
    assert got == FILM


@pytest.mark.parametrize("dest", ["", "empty", "document", "image"])
def test_others_get_the_part_they_ask_for(
    opened: Open, dest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PIECE", 100_000)
    whole = opened.get("/film.mp4", Range="bytes=0-", Sec_Fetch_Dest=dest)
    assert whole.data == FILM


def test_so_many_large_files_are_read_at_once_and_places_come_back(
    sqlite_engine: Engine, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "STREAMS", 2)
    monkeypatch.setattr(files, "SMALL", 1000)
    monkeypatch.setattr(files, "UNHELD", 100_000)
    opened = open_on(Parts(config, sqlite_engine, make_storage(config)))
    first = opened.client.get("/film.mp4", base_url=opened.host)
    second = opened.client.get(
        "/film.mp4", base_url=opened.host, headers={"Range": "bytes=0-100000"}
    )
    refused = opened.get("/film.mp4")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    # what is short needs no place
    assert opened.get("/film.mp4", Range="bytes=0-99999").status_code == 206
    assert opened.get("/lib/app.js").status_code == 200
    first.close()
    assert opened.get("/film.mp4").data == FILM
    assert opened.get("/film.mp4").data == FILM
    second.close()
    for key in list(opened.site.parts.storage.keys("")):
        opened.site.parts.storage.delete(key)
    for _ in range(3):
        assert opened.get("/film.mp4").status_code == 404


# --- T22: only listed keys are answered -------------------------------------------------

SPELLINGS = 5000
LISTED = [*FILES, "imsmanifest.xml", "unit 0/page.html"]
PIECES = (
    *("/", "//", "./", "../", "/./", "/../", "\\", "%5c", "%5C", "%2f", "%2F", "%252f"),
    *("..%2f", "%2e%2e/", "%2e/", ".%2e/", "%c0%af", "%c0%ae", "%e0%80%af", "%u002f"),
    *("%00", "%0a", "%0d%0a", "%20", "+", "%09", "%7f", "%ff", "%fe", "%ed%a0%80"),
    *(";", ";a=b", ":", "::$DATA", "~", ".", "..", "...", "*", "$", "@", "!", "'"),
    *("%ef%bc%8f", "%e2%88%95", "%ef%bb%bf", "%e2%80%8b", "%cc%88", "%2500", "%"),
    *("%2", "%zz", "C:", "file:///", "/etc/passwd", "__player/", "/__player/../"),
    *("packages/", "uploads/", ".gz", ".bak", "/.", "/.git/config", "index.html"),
)


def spelt(chance: random.Random) -> str:
    """Give a request target that means one of the files, or nearly."""
    key = chance.choice(LISTED)
    target = "/" + quote(key)
    for _ in range(chance.randrange(4)):
        place = chance.randrange(1, len(target) + 1)
        match chance.randrange(8):
            case 0:
                target = target[:place] + chance.choice(PIECES) + target[place:]
            case 1:
                target = chance.choice(PIECES) + target
            case 2:
                target = target + chance.choice(PIECES)
            case 3:  # one character as an escape
                one = target[place - 1]
                target = f"{target[: place - 1]}%{ord(one):02x}{target[place:]}"
            case 4:
                target = target[: place - 1] + target[place - 1 :].swapcase()
            case 5:
                target = target.replace("%", "%25", 1)
            case 6:
                target = "/" + quote(unicodedata.normalize("NFD", key))
            case _:
                target = target[: place - 1] + target[place:]
    if chance.random() < 0.1:
        target += chance.choice(["?", "?a=b", "?/../x", "?%00"])
    return target if target.startswith("/") else f"/{target}"


def meant(target: str) -> str | None:
    """Give the file that a target means when its escapes are undone once."""
    try:
        path = unquote_to_bytes(target.partition("?")[0]).decode()
    except UnicodeDecodeError:
        return None
    return path[1:] if path[1:] in LISTED else None


@pytest.fixture
def served(servers: Servers, tmp_path: Path) -> Iterator[tuple[Served, str]]:
    """Give the server itself, and the host of an open launch."""
    url = sqlite_url(servers, tmp_path)
    settings = {"DATA": str(tmp_path), "DATABASE_URL": url, "WORKERS": "1"}
    server = Served(settings, tmp_path / "log")
    config = Config(
        data=tmp_path,
        database_url=url,
        portal_url=server.portal,
        content_url=f"http://content.localhost:{server.port}",
        secret_key="a secret of the tests",
    )
    parts = Parts(config, make_engine(url), make_storage(config))
    opened = open_on(parts, {"large.mp4": FILM * 8, "long.mp4": LONG})
    parts.engine.dispose()
    server.start("--no-worker")
    try:
        yield server, urlsplit(opened.host).netloc
    finally:
        server.stop()


class Line:
    """A connection that says what it is told, and begins anew when it must."""

    def __init__(self, port: int, host: str) -> None:
        self.port, self.host = port, host
        self.connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.connection is not None:
            self.connection.close()

    def ask(
        self, target: str, method: str = "GET", **headers: str
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        if self.connection is None:
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=120
            )
        self.connection.putrequest(
            method, target, skip_host=True, skip_accept_encoding=True
        )
        self.connection.putheader("Host", self.host)
        for name, value in headers.items():
            self.connection.putheader(name.replace("_", "-"), value)
        self.connection.endheaders()
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.will_close:
            self.connection.close()
            self.connection = None
        return answer.status, body, answer.headers


def test_of_5000_spellings_only_those_of_listed_files_are_answered(
    served: tuple[Served, str],
) -> None:
    server, host = served
    with Line(server.port, host) as line:
        chance = random.Random(22)  # noqa: S311
        bytes_of = {
            key: data if isinstance(data, bytes) else data.encode()
            for key, data in FILES.items()
        }
        answered = 0
        safe = set(string.printable) - set(string.whitespace)
        for _ in range(SPELLINGS):
            target = spelt(chance)
            assert set(target) <= safe
            key = meant(target)
            status, body, _ = line.ask(target)
            assert (status == 200) == (key is not None), (target, status)
            assert 200 <= status < 500, target
            if key is not None:
                answered += 1
                assert key not in bytes_of or body == bytes_of[key], target
        # both kinds were there in numbers
        assert 500 < answered < SPELLINGS - 500


def test_the_server_frames_every_kind_of_answer(served: tuple[Served, str]) -> None:
    """On one connection, so an answer that is too long or short spoils the next."""
    server, host = served
    with Line(server.port, host) as line:
        large = FILM * 8
        for _ in range(2):
            status, body, headers = line.ask("/large.mp4")
            assert (status, body) == (200, large)
            assert headers["Content-Length"] == str(len(large))
            assert line.ask("/large.mp4", "HEAD")[:2] == (200, b"")
            assert line.ask("/film.mp4", "HEAD")[:2] == (200, b"")
            status, body, headers = line.ask(
                "/large.mp4", Range="bytes=1000000-1500000"
            )
            assert (status, body) == (206, large[1_000_000:1_500_001])
            assert headers["Content-Length"] == "500001"
            status, body, _ = line.ask("/large.mp4", Range="bytes=0-9,20-29")
            assert status == 206
            assert large[20:30] in body
            assert line.ask("/film.mp4", If_None_Match="*")[:2] == (304, b"")
            assert line.ask("/film.mp4", Range="bytes=9999999-")[:2] == (416, b"")
            assert line.ask("/film.mp4", If_Match='"x"')[:2] == (412, b"")
            assert line.ask("/film.mp4", "OPTIONS")[:2] == (200, b"")
            status, body, _ = line.ask("/lib/app.js", Accept_Encoding="gzip")
            assert gzip.decompress(body).decode() == SCRIPT
            assert line.ask("/empty.css")[:2] == (200, b"")
            assert line.ask("/nothing")[0] == 404
            assert line.ask("/__player/shell.js")[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param("Range: bytes=0-\r\nSec-Fetch-Dest: video", {206}, id="players"),
        pytest.param("Range: bytes=0-", {206, 503}, id="others"),
    ],
)
def test_who_stops_reading_keeps_nobody_waiting(
    served: tuple[Served, str], headers: str, status: set[int]
) -> None:
    server, host = served
    lines = []
    try:
        # two for each thread that the server has
        for _ in range(128):
            line = socket.socket()
            lines.append(line)
            line.settimeout(120)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", server.port))
            head = f"GET /long.mp4 HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n\r\n"
            line.sendall(head.encode())
        # only the first bytes of each answer are read
        found = {int(line.recv(12).split()[1]) for line in lines}
        assert found == status
        with Line(server.port, urlsplit(server.portal).netloc) as another:
            assert another.ask("/health/live")[0] == 200
        with Line(server.port, host) as another:
            assert another.ask("/lib/app.js")[0] == 200
    finally:
        for line in lines:
            line.close()


# --- large audio and video from the S3 server -------------------------------------------

VIDEO = {"Sec_Fetch_Dest": "video", "Sec_Fetch_Mode": "no-cors"}


@pytest.fixture
def on_s3(
    sqlite_engine: Engine,
    servers: Servers,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> Open:
    """Give an open launch on S3, whose server browsers reach."""
    monkeypatch.setattr(files, "LARGE_MEDIA", len(FILM))
    config = s3_config(servers, config)
    config = replace(config, s3_media_url=config.s3_endpoint_url)
    more: dict[str, bytes | str] = {"short.mp4": FILM[:-1], "large.bin": FILM}
    return open_on(Parts(config, sqlite_engine, storage_of(config)), more)


def test_large_media_are_sent_from_the_s3_server(on_s3: Open) -> None:
    answer = on_s3.get("/film.mp4", Range="bytes=0-", **VIDEO)
    assert answer.status_code == 307
    assert answer.headers["Cache-Control"] == "no-store"
    where = urlsplit(answer.headers["Location"])
    origin = f"{where.scheme}://{where.netloc}"
    assert origin == on_s3.site.parts.config.s3_media_url
    media = answer.headers["Content-Security-Policy"].partition("media-src ")[2]
    assert origin in media.partition(";")[0].split()
    line = http.client.HTTPConnection(where.netloc, timeout=120)
    line.request(
        "GET", f"{where.path}?{where.query}", headers={"Range": "bytes=1000-1999"}
    )
    direct = line.getresponse()
    assert (direct.status, direct.read()) == (206, FILM[1000:2000])
    assert direct.headers["Content-Type"] == "video/mp4"
    line.close()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/film.mp4", {}, id="no browser's player"),
        pytest.param(
            "/film.mp4",
            {"Sec_Fetch_Dest": "empty", "Sec_Fetch_Mode": "cors"},
            id="a script",
        ),
        pytest.param(
            "/film.mp4",
            {"Sec_Fetch_Dest": "video", "Sec_Fetch_Mode": "cors"},
            id="a player that wants to read it",
        ),
        pytest.param(
            "/film.mp4",
            {"Sec_Fetch_Dest": "document", "Sec_Fetch_Mode": "navigate"},
            id="a window",
        ),
        pytest.param("/short.mp4", VIDEO, id="small"),
        pytest.param("/large.bin", VIDEO, id="no media by its type"),
    ],
)
def test_all_else_is_streamed(on_s3: Open, path: str, headers: dict[str, str]) -> None:
    answer = on_s3.get(path, **headers)
    assert answer.status_code == 200
    assert answer.data[:-1] == FILM[: len(answer.data) - 1]


def test_without_an_open_launch_nobody_is_sent_there(on_s3: Open) -> None:
    scheme, _, host = on_s3.host.partition("://")
    other = f"{scheme}://{'0' * 32}.{host.partition('.')[2]}"
    headers = {name.replace("_", "-"): value for name, value in VIDEO.items()}
    answer = on_s3.client.get("/film.mp4", headers=headers, base_url=other)
    assert answer.status_code == 404
