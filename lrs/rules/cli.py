"""`rollcall rules check`, `rules explain`, `rules replay` and `rules dry-run`.

With `--json` one document goes to standard output and nothing else.
"""

import argparse
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from lrs.config import Config
from lrs.db import make_engine, reading, writing
from lrs.rules.derive import catch_up, digest, dry_run, replay
from lrs.rules.explain import (
    Explanation,
    explain,
    registrations_of,
    require_known,
)
from lrs.rules.policy import PolicyBook, load_folder, policy_book
from lrs.rules.tables import Award
from lrs.tenants import find_tenant
from statements.errors import Invalid

BAR = 40


def add_commands(commands: Any) -> None:
    """Add `rules` with its commands to the command line."""
    rules = commands.add_parser("rules", help="what earns completion and credit")
    actions = rules.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="check the policies; needs no database")
    check.add_argument(
        "folder", nargs="?", type=Path, help="TOML files to check instead of our own"
    )
    check.add_argument("--json", action="store_true", help="one JSON document")
    check.set_defaults(run=_check, alone=True)
    why = actions.add_parser("explain", help="why somebody has, or has not, completed")
    why.add_argument("--actor", required=True, metavar="IFI", help="mbox::mailto:…")
    why.add_argument("--course", required=True, metavar="IRI")
    why.add_argument("--registration", type=uuid.UUID, metavar="UUID")
    why.add_argument("--tenant", default="main", help="the record store (main)")
    why.add_argument("--json", action="store_true", help="one JSON document")
    why.set_defaults(run=_explain)
    again = actions.add_parser("replay", help="derive everything anew from the log")
    again.add_argument("--tenant", default="main", help="the record store (main)")
    again.add_argument("--json", action="store_true", help="one JSON document")
    again.set_defaults(run=_replay)
    trial = actions.add_parser(
        "dry-run", help="who would gain and who lose under changed policies"
    )
    trial.add_argument("folder", type=Path, help="the TOML files, all of them")
    trial.add_argument("--tenant", default="main", help="the record store (main)")
    trial.add_argument("--json", action="store_true", help="one JSON document")
    trial.set_defaults(run=_dry_run)


def _check(arguments: argparse.Namespace, config: Config) -> int:
    """0 when all policies can be used; InvalidPolicy says which cannot and why."""
    del config
    folder: Path | None = arguments.folder
    book = policy_book() if folder is None else _load(folder)
    if arguments.json:
        print(orjson.dumps(_book_json(book)).decode())
        return 0
    for name, versions in sorted(book.versions.items()):
        for version in versions:
            kinds = ", ".join(one.kind for one in version.require)
            print(f"{name} from {version.start}: {kinds}")
    for cycle in book.cycles:
        print(f"{cycle.id}: {cycle.start} up to, not including, {cycle.end}")
    return 0


def _load(folder: Path) -> PolicyBook:
    if not folder.is_dir():
        raise Invalid(f"{folder} is not a folder.")
    return load_folder(folder)


def _book_json(book: PolicyBook) -> dict[str, Any]:
    return {
        "policies": [
            {
                "id": version.id,
                "from": version.start,
                "require": [one.kind for one in version.require],
                "citation": version.citation,
            }
            for _, versions in sorted(book.versions.items())
            for version in versions
        ],
        "cycles": [
            {"id": one.id, "from": one.start, "end": one.end} for one in book.cycles
        ],
        "mandates": [one.id for one in book.mandates],
        "transfers": sorted(book.transfers),
    }


def _explain(arguments: argparse.Namespace, config: Config) -> int:
    """0: a reason why not yet is an answer. NotFound for whom nothing is known of.

    Without `--registration` every one that the rules know of is explained.
    """
    engine = make_engine(config.database_url)
    try:
        with reading(engine) as db:
            tenant = find_tenant(db, name=arguments.tenant).id
            require_known(
                db, tenant=tenant, ifi=arguments.actor, course_iri=arguments.course
            )
            registrations = [arguments.registration]
            if arguments.registration is None:
                registrations = registrations_of(
                    db, tenant=tenant, ifi=arguments.actor, course_iri=arguments.course
                )
            told = [
                (
                    one,
                    explain(
                        db,
                        tenant=tenant,
                        ifi=arguments.actor,
                        course_iri=arguments.course,
                        registration=one,
                        now=datetime.now(UTC),
                    ),
                )
                for one in registrations
            ]
    finally:
        engine.dispose()
    if arguments.json:
        documents = [
            {"registration": one} | explanation_json(what) for one, what in told
        ]
        print(orjson.dumps({"registrations": documents}).decode())
        return 0
    for one, what in told:
        print(f"Registration {one or '(none)'}")
        for line in explanation_lines(what):
            print(f"  {line}")
    return 0


def explanation_lines(told: Explanation) -> list[str]:
    """An explanation in words: outcome, reasons, rule and evidence."""
    decision = told.decision
    lines = [told.headline, *(f"- {one.text}" for one in told.reasons)]
    if decision.at is not None:
        lines.append(f"Finished at {decision.at:%Y-%m-%dT%H:%M:%SZ}.")
    if decision.credit is not None:
        cycle = decision.credit.cycle or "no cycle"
        lines.append(f"Credit: {decision.credit.value}, in {cycle}.")
    if decision.span is not None:
        version = decision.span.version
        zone = decision.span.offer.zone
        lines.append(f"Judged by {version.id} as of {version.start}, days in {zone}.")
    lines += [f"Evidence: {one}" for one in decision.evidence]
    return lines


def explanation_json(told: Explanation) -> dict[str, Any]:
    """An explanation as one JSON document."""
    decision = told.decision
    credit = decision.credit
    span = decision.span
    return {
        "outcome": told.outcome,
        "text": told.headline,
        "reasons": [
            {"code": one.code, "text": one.text, "values": dict(one.values)}
            for one in told.reasons
        ],
        "completed_at": decision.at,
        "ready_at": decision.ready_at,
        "policy": None if span is None else span.version.id,
        "policy_from": decision.policy_from,
        "zone": None if span is None else span.offer.zone,
        "scaled": None if decision.scaled is None else str(decision.scaled),
        "credit": None if credit is None else str(credit.value),
        "cycle": None if credit is None else credit.cycle,
        "evidence": [str(one) for one in decision.evidence],
        "units": {"done": told.units_done, "all": told.units_all},
    }


def _replay(arguments: argparse.Namespace, config: Config) -> int:
    """0 when the rows came back as they were, 1 when they did not."""
    engine = make_engine(config.database_url)
    progress = _bar if sys.stderr.isatty() and not arguments.json else _silent
    try:
        with writing(engine) as db:
            tenant = find_tenant(db, name=arguments.tenant).id
            now = datetime.now(UTC)
            catch_up(db, tenant=tenant, now=now)
            before = digest(db, tenant=tenant)
            entries = replay(db, tenant=tenant, now=now, progress=progress)
            after = digest(db, tenant=tenant)
    finally:
        engine.dispose()
    same = before == after
    if arguments.json:
        document = {"entries": entries, "same": same, "digest": after}
        print(orjson.dumps(document).decode())
    else:
        print(
            f"{entries} entries; {'the same as before' if same else 'not as before'}."
        )
    return 0 if same else 1


def _dry_run(arguments: argparse.Namespace, config: Config) -> int:
    """Always 0 once the policies can be used; nothing is changed."""
    book = _load(arguments.folder)
    engine = make_engine(config.database_url)
    progress = _bar if sys.stderr.isatty() and not arguments.json else _silent
    try:
        with writing(engine) as db:
            found = dry_run(
                db,
                tenant=find_tenant(db, name=arguments.tenant).id,
                book=book,
                now=datetime.now(UTC),
                progress=progress,
            )
    finally:
        engine.dispose()
    if arguments.json:
        document = {
            "gained": [_award_json(one) for one in found.gained],
            "lost": [_award_json(one) for one in found.lost],
        }
        print(orjson.dumps(document).decode())
        return 0
    for word, awards in (("gains", found.gained), ("loses", found.lost)):
        for one in awards:
            what = one.kind if one.credit is None else f"{one.kind} {one.credit}"
            print(f"{one.ifi} {word} {what} for {one.course_iri} ({one.period})")
    print(f"{len(found.gained)} gained, {len(found.lost)} lost.")
    return 0


def _award_json(award: Award) -> dict[str, Any]:
    return {
        "kind": award.kind,
        "actor": award.ifi,
        "course": award.course_iri,
        "registration": award.registration,
        "period": award.period,
        "cycle": award.cycle,
        "credit": None if award.credit is None else str(award.credit),
        "completed_at": award.at,
        "policy": award.policy,
        "policy_from": award.policy_from,
    }


def _bar(read: int, whole: int) -> None:
    filled = BAR * read // max(whole, 1)
    sys.stderr.write(f"\r[{'#' * filled}{'.' * (BAR - filled)}] {read}/{whole}")
    if read >= whole:
        sys.stderr.write("\n")


def _silent(read: int, whole: int) -> None:
    del read, whole
