"""`rollcall package import FILE`, `package check FILE` and `package quota`."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

from lrs.config import Config
from lrs.db import make_engine, reading, writing
from lrs.jobs import LEASE
from lrs.parts import Parts
from lrs.server import check_schema
from lrs.storage import make_storage
from lrs.tenants import find_tenant
from packages import quotas
from packages.check import Checked, check_package, digest, sarif, verified
from packages.courses import find_twin, get_package, package_json
from packages.intake import (
    ImportOver,
    cancel_import,
    import_package,
    receive_package,
)
from packages.manifest import Manifest, Unit, standard_text
from packages.receiving import Watched
from packages.unpacking import Report
from statements.errors import Invalid


def add_commands(commands: Any) -> None:
    """Add `package` with its commands to the command line."""
    package = commands.add_parser("package", help="import or check a package; quotas")
    actions = package.add_subparsers(dest="action", required=True, metavar="ACTION")
    importing = actions.add_parser("import", help="import a package file")
    importing.add_argument("file", type=Path, metavar="FILE")
    importing.add_argument("--json", action="store_true", help="print one document")
    importing.add_argument(
        "--lenient", action="store_true", help="take cmi5 that breaks small rules"
    )
    importing.set_defaults(run=run_import)
    checking = actions.add_parser(
        "check", help="say what an import would find; needs no database"
    )
    checking.add_argument("file", type=Path, metavar="FILE")
    output = checking.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one document")
    output.add_argument("--sarif", action="store_true", help="print a SARIF log")
    checking.add_argument(
        "--strict", action="store_true", help="refuse what would be repaired"
    )
    checking.add_argument(
        "--lenient", action="store_true", help="take cmi5 that breaks small rules"
    )
    checking.set_defaults(run=run_check, alone=True)
    quota = actions.add_parser("quota", help="how much packages take, and may take")
    quota.add_argument(
        "megabytes",
        nargs="?",
        metavar="MEGABYTES",
        help="a quota of the tenant's own; 0 for no bound, default for the setting's",
    )
    quota.add_argument("--tenant", default="main", help="whose packages (main)")
    quota.add_argument("--json", action="store_true", help="print one document")
    quota.set_defaults(run=run_quota)


def run_check(arguments: argparse.Namespace, config: Config) -> int:
    """0 when the package would be imported, 1 when it would be refused."""
    del config
    path: Path = arguments.file
    if not path.is_file():
        return _no_file(path)
    with path.open("rb") as file:
        found = check_package(
            file,
            filename=path.name,
            strict=arguments.strict,
            lenient=arguments.lenient,
        )
        checked = verified(found)
        sha256, size = digest(file)
    if arguments.sarif:
        log = sarif(checked, filename=path.name, version=version("rollcall"))
        print(json.dumps(log, ensure_ascii=False, indent=2))
    elif arguments.json:
        shown = {"sha256": sha256, "size": size}
        print(json.dumps(_checked_json(checked, path.name) | shown, ensure_ascii=False))
    else:
        manifest = checked.manifest
        _print_verdict(
            manifest.title,
            manifest.standard_text,
            _outline(manifest),
            manifest.to_json()["findings"],
        )
    return 0 if checked.manifest.is_importable else 1


def run_import(arguments: argparse.Namespace, config: Config) -> int:
    """Import now, without waiting for a worker; 1 when the package is refused."""
    path: Path = arguments.file
    if not path.is_file():
        return _no_file(path)
    check_schema(config)
    engine = make_engine(config.database_url)
    try:
        parts = Parts(config, engine, make_storage(config))
        show = sys.stderr.isatty() and not arguments.json
        shown, units = _imported(
            parts,
            path,
            _show_progress if show else None,
            lenient=arguments.lenient,
        )
    finally:
        engine.dispose()
    if arguments.json:
        print(json.dumps(shown, ensure_ascii=False))
    else:
        print(f"{shown['status']}: package {shown['id']}")
        standard = standard_text(shown["standard"], shown["edition"])
        _print_verdict(shown["title"], standard, units, shown["findings"])
    return 0 if shown["status"] == "imported" else 1


def run_quota(arguments: argparse.Namespace, config: Config) -> int:
    """Say what a tenant's packages take and may take; set that where it is given."""
    given = arguments.megabytes
    if given is not None and given != "default" and not given.isdecimal():
        raise Invalid("Give a number of megabytes, or default.")
    check_schema(config)
    engine = make_engine(config.database_url)
    try:
        with writing(engine) as db:
            tenant = find_tenant(db, name=arguments.tenant).id
            if given is not None:
                own = None if given == "default" else int(given)
                quotas.set_quota(db, tenant=tenant, megabytes=own)
            bound = quotas.quota_of(db, config=config, tenant=tenant)
            used = quotas.used_bytes(db, tenant=tenant)
    finally:
        engine.dispose()
    if arguments.json:
        print(json.dumps({"tenant": arguments.tenant, "quota": bound, "used": used}))
    else:
        most = "no bound" if bound is None else f"of {bound / quotas.MEGABYTE:,.0f} MB"
        print(f"{used / quotas.MEGABYTE:,.1f} MB used, {most}")
    return 0


def _imported(
    parts: Parts, path: Path, progress: Report | None, *, lenient: bool
) -> tuple[dict[str, Any], list[tuple[str, tuple[str, ...]]]]:
    """The package as the API shows it, and each unit's title with those above it."""
    now = datetime.now(UTC)
    size = path.stat().st_size

    def stored(share: float) -> None:
        if progress is not None:
            progress(share / 2)

    def imported(share: float) -> None:
        if progress is not None:
            progress((1 + share) / 2)

    with path.open("rb") as file, writing(parts.engine) as db:
        package = receive_package(
            parts,
            db,
            filename=path.name,
            data=cast("BinaryIO", Watched(file, size, stored)),
            created_by="command line",
            now=now,
            length=size,
            # This process imports at once; a worker only does if it dies.
            run_at=now + LEASE,
            lenient=lenient,
        )
        package_id = package.id
        twin = find_twin(db, package=package)
    if twin is not None:
        sys.stderr.write(f"The same file is here already, as package {twin.id}.\n")
    payload = {"package": str(package_id), "lenient": lenient}
    try:
        import_package(parts, payload, now, progress=imported)
    except KeyboardInterrupt:
        _cancel(parts, payload, now)
        raise
    with reading(parts.engine) as db:
        package = get_package(db, package_id=package_id)
        shown = package_json(package)
        shown["duplicate_of"] = None if twin is None else str(twin.id)
        if package.manifest is None:
            return shown, []
        value = {**package.manifest, "findings": package.findings}
        return shown, _outline(Manifest.from_json(value))


def _cancel(parts: Parts, payload: dict[str, Any], now: datetime) -> None:
    """End what was interrupted, so that no worker goes on with it."""
    with writing(parts.engine) as db:
        package = get_package(db, package_id=UUID(payload["package"]))
        with suppress(ImportOver):
            cancel_import(db, package=package)
    import_package(parts, payload, now)


def _outline(manifest: Manifest) -> list[tuple[str, tuple[str, ...]]]:
    """Each unit's title with those of the headings above it."""
    return [(unit.title, tuple(manifest.headings(unit))) for unit in manifest.units]


def _no_file(path: Path) -> int:
    told = f"there is no file {path}"
    if path.is_dir():
        told = f"{path} is a folder; zip its contents"
    sys.stderr.write(f"rollcall: {told}\n")
    return 1


def _checked_json(checked: Checked, filename: str) -> dict[str, Any]:
    """The same members as an imported package has, as far as they apply."""
    manifest = checked.manifest
    return {
        "status": "importable" if manifest.is_importable else "rejected",
        "standard": manifest.standard,
        "edition": manifest.edition,
        "title": manifest.title,
        "description": manifest.description,
        "filename": filename,
        "units": [_unit_json(unit) for unit in manifest.units],
        "findings": manifest.to_json()["findings"],
    }


def _unit_json(unit: Unit) -> dict[str, Any]:
    return {
        "index": unit.index,
        "id": unit.identifier,
        "title": unit.title,
        "launch": unit.launch + unit.parameters,
    }


def _print_verdict(
    title: str,
    standard: str,
    units: Sequence[tuple[str, tuple[str, ...]]],
    findings: Sequence[dict[str, Any]],
) -> None:
    """Title, the tree of units, and each finding with its place and advice."""
    print(f"{title}  [{standard or 'not read'}]")
    above: tuple[str, ...] = ()
    for name, parents in units:
        for depth, parent in enumerate(parents):
            if parents[: depth + 1] != above[: depth + 1]:
                print("  " * (depth + 1) + parent)
        print("  " * (len(parents) + 1) + f"- {name}")
        above = parents
    for finding in findings:
        place = finding["path"] or ""
        if finding["line"]:
            place += f":{finding['line']}"
        print(f"\n{finding['severity']} {finding['code']} {place}".rstrip())
        print(f"  {finding['message']}\n  {finding['advice']}")


def _show_progress(share: float) -> None:
    """A bar of forty places on standard error."""
    done = int(share * 40)
    end = "\n" if share >= 1 else ""
    sys.stderr.write(f"\r[{'#' * done}{'.' * (40 - done)}] {share:4.0%}{end}")
    sys.stderr.flush()
