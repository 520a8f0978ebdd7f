"""`rollcall export statements` and `rollcall import statements`.

With `--json` one document goes to standard output and nothing else.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select

from lrs.config import Config
from lrs.credentials import Credential
from lrs.db import reading
from lrs.parts import Parts
from lrs.server import check_schema, make_parts
from lrs.tenants import find_tenant
from lrs.transfer.exports import Exported, Wanted, export_statements
from lrs.transfer.files import about_path, attachments_folder
from lrs.transfer.imports import Imported, import_authority, import_statements
from statements import scalars
from statements.errors import Invalid, NotFound

FORMATS = ("ndjson", "csv", "parquet")
BAR = 40
BAR_SECONDS = 0.2


def add_commands(commands: Any) -> None:
    """Add `export` and `import`."""
    exporting = commands.add_parser("export", help="write records into a file")
    kinds = exporting.add_subparsers(required=True, metavar="WHAT")
    command = kinds.add_parser("statements", help="all statements, or those of a time")
    command.add_argument("--format", required=True, choices=FORMATS)
    command.add_argument("--out", required=True, type=Path, metavar="PATH")
    command.add_argument("--tenant", default="main", help="the record store (main)")
    command.add_argument(
        "--since", type=_instant, metavar="TIME", help="only what was stored after it"
    )
    command.add_argument(
        "--until", type=_instant, metavar="TIME", help="only what was stored by then"
    )
    command.add_argument(
        "--behind-wall",
        action="store_true",
        help="also what the pre-test wall hides; such use is logged",
    )
    command.add_argument("--json", action="store_true", help="one JSON document")
    command.set_defaults(run=_export)

    importing = commands.add_parser("import", help="read records from a file")
    kinds = importing.add_subparsers(required=True, metavar="WHAT")
    command = kinds.add_parser("statements", help="statements, one JSON object a line")
    command.add_argument("path", type=Path, metavar="PATH")
    command.add_argument("--tenant", default="main", help="the record store (main)")
    whose = command.add_mutually_exclusive_group()
    whose.add_argument(
        "--credential", metavar="KEY", help="store them as this credential's"
    )
    whose.add_argument(
        "--keep-authority",
        action="store_true",
        help="store them as whose the file says they are; for exports of your own",
    )
    command.add_argument(
        "--keep-going",
        action="store_true",
        help="put lines that are refused into PATH.refused and go on",
    )
    command.add_argument("--json", action="store_true", help="one JSON document")
    command.set_defaults(run=_import)


def _instant(word: str) -> datetime:
    try:
        return scalars.parse_timestamp(word)
    except Invalid as error:
        message = f"{word!r} is not a time such as 2026-01-31T08:00:00Z"
        raise argparse.ArgumentTypeError(message) from error


@contextmanager
def _parts(config: Config) -> Iterator[Parts]:
    check_schema(config)
    parts = make_parts(config)
    try:
        yield parts
    finally:
        parts.engine.dispose()


def _export(arguments: argparse.Namespace, config: Config) -> int:
    """0 when the file holds all of it, 1 when data of attachments is missing."""
    if arguments.format != "ndjson":
        raise Invalid(
            f"Statements are not exported as {arguments.format} yet; "
            "give --format ndjson."
        )
    wanted = Wanted(
        tenant=arguments.tenant,
        since=arguments.since,
        until=arguments.until,
        behind_wall=arguments.behind_wall,
    )
    with _parts(config) as parts:
        done = export_statements(
            parts, arguments.out, wanted, progress=_bar(arguments, "statements")
        )
    if arguments.json:
        files = {
            "path": str(arguments.out),
            "about": str(about_path(arguments.out)),
            "data": str(attachments_folder(arguments.out)),
        }
        _print_json(files | asdict(done))
    else:
        for line in _told_export(done, arguments.out):
            sys.stdout.write(f"{line}\n")
    return 1 if done.missing else 0


def _told_export(done: Exported, path: Path) -> Iterator[str]:
    yield f"{path} holds {done.statements} statements, {done.added} of them new."
    if done.attachments:
        yield f"{done.attachments} attachments are in {attachments_folder(path)}."
    if done.left_out:
        yield (
            f"{done.left_out} statements behind the pre-test wall were left out "
            "(--behind-wall takes them along)."
        )
    for sha2 in done.missing:
        yield f"The data of the attachment {sha2} is missing or broken in the storage."


def _import(arguments: argparse.Namespace, config: Config) -> int:
    """0 when every line is stored, 1 when some are not."""
    path: Path = arguments.path
    with _parts(config) as parts:
        tenant, authority = _whose(arguments, parts)
        done = import_statements(
            parts,
            path,
            tenant=tenant,
            authority=authority,
            keep_going=arguments.keep_going,
            clock=lambda: datetime.now(UTC),
            progress=_bar(arguments, "bytes"),
        )
    if arguments.json:
        refused = None if done.refused_file is None else str(done.refused_file)
        _print_json({"path": str(path)} | asdict(done) | {"refused_file": refused})
    else:
        for line in _told_import(done, path):
            sys.stdout.write(f"{line}\n")
    return 1 if done.refused else 0


def _told_import(done: Imported, path: Path) -> Iterator[str]:
    yield (
        f"{path}: {done.lines} lines; {done.stored} statements stored, "
        f"{done.known} known before."
    )
    for one in done.reasons:
        yield f"Line {one['line']}: {one['reason']}"
    if done.refused:
        yield f"{done.refused} lines were refused and are in {done.refused_file}."


def _whose(
    arguments: argparse.Namespace, parts: Parts
) -> tuple[int, dict[str, Any] | None]:
    """The tenant, and the authority of what is imported; None keeps the file's."""
    with reading(parts.engine) as db:
        tenant = find_tenant(db, name=arguments.tenant).id
        if arguments.keep_authority:
            return tenant, None
        if arguments.credential is None:
            return tenant, import_authority(parts.config.portal_url)
        found = db.scalar(
            select(Credential).where(
                Credential.tenant_id == tenant, Credential.key == arguments.credential
            )
        )
        if found is None:
            raise NotFound(
                f"{arguments.tenant} has no credential {arguments.credential}."
            )
        return tenant, found.authority


def _print_json(document: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(document).decode() + "\n")


def _bar(arguments: argparse.Namespace, unit: str) -> Callable[[int, int], None]:
    """A bar on a terminal's standard error; nothing elsewhere and with --json."""
    if arguments.json or not sys.stderr.isatty():
        return lambda _done, _whole: None
    shown = 0.0

    def show(done: int, whole: int) -> None:
        nonlocal shown
        is_end, present = done >= whole, time.monotonic()
        if present - shown < BAR_SECONDS and not is_end:
            return
        shown = present
        filled = BAR * done // max(whole, 1) if not is_end else BAR
        bar = "#" * filled + "." * (BAR - filled)
        sys.stderr.write(f"\r[{bar}] {done}/{whole} {unit}" + ("\n" if is_end else ""))
        sys.stderr.flush()

    return show
