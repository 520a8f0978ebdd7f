"""Commands of the record store: `migrate`, `tenant …`, `credential …`.

With `--json` one document goes to standard output and nothing else.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.credentials import (
    MEANINGS,
    create_credential,
    end_of,
    find_credentials,
    revoke_credential,
    state_of,
)
from lrs.db import make_engine, reading, writing
from lrs.limits import last_uses
from lrs.migrate import migrate
from lrs.server import check_schema
from lrs.tenants import create_tenant, find_tenant, find_tenants
from statements.scalars import format_timestamp


def add_commands(commands: Any) -> None:
    """Add `migrate`, `tenant` and `credential`."""
    migrating = commands.add_parser(
        "migrate", help="bring the database to the present schema"
    )
    migrating.set_defaults(run=_migrate)
    tenant = commands.add_parser("tenant", help="record stores of their own")
    actions = tenant.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make an empty record store")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--json", action="store_true", help="one JSON document")
    create.set_defaults(run=_create_tenant)
    listing = actions.add_parser("list", help="which record stores there are")
    listing.add_argument("--json", action="store_true", help="one JSON document")
    listing.set_defaults(run=_list_tenants)
    _add_credential(commands.add_parser("credential", help="keys for other systems"))


def _add_credential(credential: argparse.ArgumentParser) -> None:
    actions = credential.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser(
        "create",
        help="make a key; its secret is shown once",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="scopes:\n"
        + "\n".join(f"  {scope:<22}{MEANINGS[scope]}" for scope in MEANINGS),
    )
    create.add_argument("--name", required=True, help="whose key this is")
    create.add_argument("--tenant", default="main", help="its record store (main)")
    create.add_argument(
        "--scope",
        action="append",
        dest="scopes",
        metavar="SCOPE",
        help="what it may do; may be given several times (all)",
    )
    create.add_argument(
        "--expires",
        metavar="DAY",
        help="its last day as 2027-06-30, or an instant as 2027-06-30T12:00:00Z (never)",
    )
    create.add_argument(
        "--per-minute",
        type=int,
        metavar="N",
        help="how many requests it may send in a minute (any number)",
    )
    create.add_argument("--json", action="store_true", help="one JSON document")
    create.set_defaults(run=_create_credential)
    listing = actions.add_parser("list", help="which keys there are, without secrets")
    listing.add_argument("--tenant", help="those of one record store (all)")
    listing.add_argument("--json", action="store_true", help="one JSON document")
    listing.set_defaults(run=_list_credentials)
    revoke = actions.add_parser(
        "revoke", help="refuse a key and its tokens from now on"
    )
    revoke.add_argument("key", metavar="KEY")
    revoke.add_argument("--json", action="store_true", help="one JSON document")
    revoke.set_defaults(run=_revoke_credential)


def _migrate(arguments: argparse.Namespace, config: Config) -> int:
    del arguments
    engine = make_engine(config.database_url)
    try:
        migrate(engine)
    finally:
        engine.dispose()
    sys.stdout.write("The database is at the present schema.\n")
    return 0


def _create_tenant(arguments: argparse.Namespace, config: Config) -> int:
    with _writing(config) as db:
        made = create_tenant(db, name=arguments.name)
        document = {"id": made.id, "name": made.name}
    _print(arguments, document, f"Tenant {document['name']} is ready.")
    return 0


def _list_tenants(arguments: argparse.Namespace, config: Config) -> int:
    with _reading(config) as db:
        found = [{"id": one.id, "name": one.name} for one in find_tenants(db)]
    _print(arguments, {"tenants": found}, "\n".join(str(one["name"]) for one in found))
    return 0


def _create_credential(arguments: argparse.Namespace, config: Config) -> int:
    expires_at = None
    if arguments.expires is not None:
        expires_at = end_of(arguments.expires, zone=config.timezone)
    with _writing(config) as db:
        made = create_credential(
            db,
            tenant=find_tenant(db, name=arguments.tenant).id,
            name=arguments.name,
            home_page=config.portal_url,
            now=datetime.now(UTC),
            scopes=arguments.scopes or ("all",),
            expires_at=expires_at,
            per_minute=arguments.per_minute,
        )
    text = f"key     {made.key}\nsecret  {made.secret}\nThe secret is not shown again."
    _print(arguments, {"key": made.key, "secret": made.secret}, text)
    return 0


def _list_credentials(arguments: argparse.Namespace, config: Config) -> int:
    now = datetime.now(UTC)
    with _reading(config) as db:
        tenants = {one.id: one.name for one in find_tenants(db)}
        wanted = None
        if arguments.tenant is not None:
            wanted = find_tenant(db, name=arguments.tenant).id
        found = find_credentials(db, tenant=wanted)
        used = last_uses(db, credentials=[one.id for one in found])
        rows: list[dict[str, Any]] = [
            {
                "key": one.key,
                "name": one.name,
                "tenant": tenants[one.tenant_id],
                "state": state_of(one, now=now),
                "scopes": one.scopes,
                "per_minute": one.per_minute,
                "created_at": _time(one.created_at),
                "expires_at": _time(one.expires_at),
                "revoked_at": _time(one.revoked_at),
                "last_used_at": _time(used.get(one.id)),
            }
            for one in found
        ]
    text = "\n".join(
        f"{row['key']}  {row['state']:<8} {row['tenant']:<12} {row['name']}  "
        f"({', '.join(row['scopes'])}; last used {row['last_used_at'] or 'never'})"
        for row in rows
    )
    _print(arguments, {"credentials": rows}, text or "There are no credentials.")
    return 0


def _revoke_credential(arguments: argparse.Namespace, config: Config) -> int:
    with _writing(config) as db:
        revoke_credential(db, key=arguments.key, now=datetime.now(UTC))
    document = {"key": arguments.key, "state": "revoked"}
    _print(arguments, document, "The key is refused from now on, and its tokens.")
    return 0


@contextmanager
def _writing(config: Config) -> Iterator[Session]:
    """A transaction on the installation's database, at the present schema."""
    check_schema(config)
    engine = make_engine(config.database_url)
    try:
        with writing(engine) as db:
            yield db
    finally:
        engine.dispose()


@contextmanager
def _reading(config: Config) -> Iterator[Session]:
    check_schema(config)
    engine = make_engine(config.database_url)
    try:
        with reading(engine) as db:
            yield db
    finally:
        engine.dispose()


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else format_timestamp(instant)


def _print(arguments: argparse.Namespace, document: dict[str, Any], text: str) -> None:
    body = orjson.dumps(document).decode() if arguments.json else text
    sys.stdout.write(f"{body}\n")
