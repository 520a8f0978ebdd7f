"""The content site: a package's files, byte for byte, and the player's shell.

Runs as its own application on hosts `<label>.<content host>`, another site than the
portal, so that a package can reach neither the portal's cookies nor its windows. The
label (128 bits of a keyed hash of learner and package version) is the only key, and it
opens only while a launch of it is open. Cookies are neither read nor set. `/__player/`
is ours: no file of a package is ever looked up there.

Content Security Policy Level 3; Fetch Metadata; RFC 9110 (conditions, ranges), RFC
9111 (caching). `frame-ancestors` names `'self'` beside the portal because the unit's
frame lies within the shell's.
"""

import json
import re
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO, NoReturn, cast

from flask import Blueprint, Flask, Response, abort, g, render_template, request
from flask.blueprints import BlueprintSetupState

from lrs.db import reading, writing
from lrs.problems import headers_of, status_of
from lrs.views.access import Allowed, allow, set_guard
from lrs.views.application import parts
from lrs.views.callers import problem_response
from packages.courses import PackageFile, find_file
from packages.media import content_type, is_compressible, is_document
from player import entries as log
from player import launches
from player.views.assets import asset
from player.views.ranges import Section, etags, is_known, sections
from statements.errors import DomainError

BLUEPRINT = Blueprint("content", __name__, template_folder="../templates")

LABEL = re.compile(r"([0-9a-f]{32})\.")
CHUNK = 64 * 1024
SMALLEST_COMPRESSED = 1024
# A beacon carries at most 64 KiB; fetch may carry more.
LARGEST_TAIL = 8 * 1024 * 1024

SHELL_FILES = frozenset({"shell.js", "shell.css", "api.js", "chain.js", "sha256.js"})
SHOWN = frozenset({"document", "iframe", "frame", "embed", "object"})
SANDBOX = (
    "allow-scripts allow-same-origin allow-forms allow-popups allow-modals "
    "allow-downloads"
)


def policy(portal_url: str) -> str:
    """The Content-Security-Policy of every answer of this site."""
    return "; ".join(
        [
            "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'",
            "connect-src 'self' data: blob:",
            f"frame-ancestors 'self' {portal_url}",
            "base-uri 'self'",
            "form-action 'self'",
            "object-src 'none'",
            f"sandbox {SANDBOX}",
        ]
    )


@BLUEPRINT.before_app_request
def refuse_service_workers() -> None:
    """A service worker would outlive the launch and stand before the shell."""
    if (
        request.headers.get("Sec-Fetch-Dest") == "serviceworker"
        or "Service-Worker" in request.headers
    ):
        _refuse(403, "Service workers are not allowed here.")


@BLUEPRINT.after_app_request
def protect(response: Response) -> Response:
    """Every status carries the same protection, errors included."""
    headers = response.headers
    headers["Content-Security-Policy"] = policy(parts().config.portal_url)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Origin-Agent-Cluster"] = "?1"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = (
        "unload=*, camera=(), microphone=(), geolocation=(), payment=(), usb=(), "
        "serial=(), hid=(), display-capture=()"
    )
    headers.setdefault("Cache-Control", "no-store")
    for name in ("Set-Cookie", "X-Frame-Options", "Service-Worker-Allowed"):
        headers.pop(name, None)
    return response


@BLUEPRINT.app_errorhandler(DomainError)
def explain(error: DomainError) -> Response:
    """A unit's frame shows this to a person: the reason in plain text."""
    response = Response(f"{error.detail}\n", status_of(error), headers_of(error))
    response.content_type = "text/plain; charset=utf-8"
    return response


def _refuse(status: int, reason: str) -> NoReturn:
    abort(Response(f"{reason}\n", status, content_type="text/plain; charset=utf-8"))


def _label() -> str:
    """The label of the host at hand, or nothing that any launch has."""
    match = LABEL.match(request.host)
    return match[1] if match else ""


def _admit(_: Allowed) -> None:
    """The guard of this site: a launch of the label must be open."""
    with reading(parts().engine) as db:
        grant = launches.find_content(db, label=_label(), now=datetime.now(UTC))
    if grant is None:
        _refuse(404, "This unit is not open. Launch it again from the portal.")
    g.grant = grant


@BLUEPRINT.record
def _set_guard(state: BlueprintSetupState) -> None:
    set_guard(cast("Flask", state.app), "launch", _admit)


def _grant() -> launches.ContentGrant:
    return cast("launches.ContentGrant", g.grant)


@BLUEPRINT.get("/__player/shell")
@allow("launch")
def shell() -> str:
    return render_template("shell.html", portal_url=parts().config.portal_url)


@BLUEPRINT.get("/__player/<name>")
@allow("public")
def shell_file(name: str) -> Response:
    if name not in SHELL_FILES:
        _refuse(404, "There is nothing here.")
    return asset(name)


@BLUEPRINT.post("/__player/entries")
@allow("public")
def entries() -> Response:
    """What the shell could not hand to the portal window while the tab was closed.

    The label alone decides, also when the launch has ended meanwhile: what came too
    late is then kept aside, as everywhere.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        _refuse(403, "Entries come from the shell only.")
    with reading(parts().engine) as db:
        if not launches.is_label(db, label=_label()):
            # before a stranger may keep us waiting for a body
            _refuse(404, "There is no such launch here.")
    request.max_content_length = LARGEST_TAIL
    try:
        body = json.loads(request.get_data())
    except ValueError:
        _refuse(400, "This is not JSON.")
    try:
        with writing(parts().engine) as db:
            receipt = log.commit_tail(
                db,
                config=parts().config,
                label=_label(),
                body=body,
                now=datetime.now(UTC),
            )
    except DomainError as error:
        return problem_response(error)
    if receipt.problem is not None:
        return problem_response(receipt.problem)
    return Response(json.dumps(receipt.answer), content_type="application/json")


@BLUEPRINT.get("/", defaults={"path": ""})
@BLUEPRINT.get("/<path:path>", merge_slashes=False)
@allow("launch")
def file(path: str) -> Response:
    grant = _grant()
    found = None
    if not path.startswith("__player/") and "\x00" not in path:
        with reading(parts().engine) as db:
            found = find_file(db, package_id=grant.package_id, path=path)
    if found is None:
        _refuse(404, "This file is not in the package.")
    return _answer(found, content_type(path))


def _answer(found: PackageFile, kind: str) -> Response:
    """The file, or the part of it, that the request's headers ask for."""
    etag = f'"{found.sha256}"'
    ranged = request.headers.get("Range") if request.method == "GET" else None
    if ranged and request.headers.get("If-Range", etag) != etag:
        ranged = None
    compress = (
        ranged is None
        and is_compressible(kind)
        and found.size >= SMALLEST_COMPRESSED
        and request.accept_encodings["gzip"] > 0
    )
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": (
            "private, no-cache"
            if is_document(kind)
            else "private, max-age=31536000, immutable"
        ),
    }
    if is_compressible(kind):
        headers["Vary"] = "Accept-Encoding"
    if kind == "application/pdf":
        headers["Vary"] = "Sec-Fetch-Dest"
        if request.headers.get("Sec-Fetch-Dest") in SHOWN:
            # Chromium shows no PDF in a sandboxed frame; saved, it can be read
            headers["Content-Disposition"] = "attachment"
    shown = f'"{found.sha256}-gzip"' if compress else etag
    headers["ETag"] = shown
    if_match = request.headers.get("If-Match")
    if if_match and not {"*", shown} & set(etags(if_match)):
        return Response(status=412, headers=headers)
    if is_known(request.headers.get("If-None-Match"), shown):
        return Response(status=304, headers=headers)
    wanted = sections(ranged, found.size)
    if wanted is not None:
        return _partial(found, kind, wanted, headers)
    headers["Content-Type"] = kind
    if compress:
        headers["Content-Encoding"] = "gzip"
        return Response(_body(lambda: _gzipped(_stream(found))), headers=headers)
    headers["Content-Length"] = str(found.size)
    return Response(_body(lambda: _stream(found)), headers=headers)


def _body(make: Callable[[], Iterator[bytes]]) -> Iterable[bytes]:
    return () if request.method == "HEAD" else make()


def _partial(
    found: PackageFile, kind: str, wanted: list[Section], headers: dict[str, str]
) -> Response:
    if not wanted:
        headers |= {"Content-Range": f"bytes */{found.size}", "Content-Length": "0"}
        return Response(status=416, headers=headers)
    if len(wanted) == 1:
        [one] = wanted
        headers |= {
            "Content-Type": kind,
            "Content-Range": one.header,
            "Content-Length": str(one.end - one.start),
        }
        return Response(_stream(found, one), 206, headers=headers)
    boundary = secrets.token_hex(16)
    headers["Content-Type"] = f"multipart/byteranges; boundary={boundary}"
    # opened here: while the body is sent, the application is no longer at hand
    streams = [_stream(found, one) for one in wanted]
    body = _multipart(zip(wanted, streams, strict=True), kind, boundary)
    return Response(body, 206, headers=headers)


def _multipart(
    pieces: Iterable[tuple[Section, Iterator[bytes]]], kind: str, boundary: str
) -> Iterator[bytes]:
    for one, stream in pieces:
        head = f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {one.header}"
        yield f"{head}\r\n\r\n".encode()
        yield from stream
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _stream(found: PackageFile, section: Section | None = None) -> Iterator[bytes]:
    """The bytes of a file or of a section; opened at once, so a failure has a status."""
    storage = parts().storage
    if section is None:
        stream = storage.open(found.storage_key)
    else:
        stream = storage.open(found.storage_key, start=section.start, end=section.end)
    return _blocks(stream)


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while block := stream.read(CHUNK):
            yield block


def _gzipped(blocks: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    for block in blocks:
        if packed := packer.compress(block):
            yield packed
    yield packer.flush()
