"""Commands of the record store: `migrate`, `tenant create`, `credential create|revoke`.

With `--json` one document goes to standard output and nothing else.
"""

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

from lrs.config import Config
from lrs.credentials import create_credential, revoke_credential
from lrs.db import make_engine, writing
from lrs.migrate import migrate
from lrs.server import check_schema
from lrs.tenants import create_tenant, find_tenant


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

    credential = commands.add_parser("credential", help="keys for other systems")
    actions = credential.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key; its secret is shown once")
    create.add_argument("--name", required=True, help="whose key this is")
    create.add_argument("--tenant", default="main", help="its record store (main)")
    create.add_argument(
        "--scope",
        action="append",
        dest="scopes",
        metavar="SCOPE",
        help="what it may do; may be given several times (all)",
    )
    create.add_argument("--json", action="store_true", help="one JSON document")
    create.set_defaults(run=_create_credential)
    revoke = actions.add_parser("revoke", help="refuse a key from now on")
    revoke.add_argument("key", metavar="KEY")
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
    check_schema(config)
    engine = make_engine(config.database_url)
    try:
        with writing(engine) as db:
            made = create_tenant(db, name=arguments.name)
            document = {"id": made.id, "name": made.name}
    finally:
        engine.dispose()
    _print(arguments, document, f"Tenant {document['name']} is ready.")
    return 0


def _create_credential(arguments: argparse.Namespace, config: Config) -> int:
    check_schema(config)
    engine = make_engine(config.database_url)
    try:
        with writing(engine) as db:
            made = create_credential(
                db,
                tenant=find_tenant(db, name=arguments.tenant).id,
                name=arguments.name,
                home_page=config.portal_url,
                now=datetime.now(UTC),
                scopes=arguments.scopes or ("all",),
            )
    finally:
        engine.dispose()
    text = f"key     {made.key}\nsecret  {made.secret}\nThe secret is not shown again."
    _print(arguments, {"key": made.key, "secret": made.secret}, text)
    return 0


def _revoke_credential(arguments: argparse.Namespace, config: Config) -> int:
    check_schema(config)
    engine = make_engine(config.database_url)
    try:
        with writing(engine) as db:
            revoke_credential(db, key=arguments.key, now=datetime.now(UTC))
    finally:
        engine.dispose()
    sys.stdout.write("The key is refused from now on.\n")
    return 0


def _print(arguments: argparse.Namespace, document: dict[str, Any], text: str) -> None:
    body = orjson.dumps(document).decode() if arguments.json else text
    sys.stdout.write(f"{body}\n")
