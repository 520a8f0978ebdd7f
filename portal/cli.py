"""Commands: make a user, fill an empty installation with a demo."""

import argparse
import getpass
import json
import sys
from datetime import UTC, datetime
from typing import Any

from lrs.config import Config
from lrs.db import make_engine, writing
from lrs.parts import Parts
from lrs.server import check_schema
from lrs.storage import make_storage
from portal import demo
from portal.access import POSITIONS, ROLES
from portal.agencies import find_agency
from portal.audit import record_act
from portal.users import create_user
from statements.errors import NotFound

Subparsers = Any


def add_commands(commands: Subparsers) -> None:
    """Add `user create` and `demo` to the command line."""
    user = commands.add_parser("user", help="people who sign in")
    acts = user.add_subparsers(dest="act", required=True, metavar="ACT")
    create = acts.add_parser("create", help="make a user")
    create.add_argument("email")
    create.add_argument("--role", required=True, choices=sorted(ROLES))
    create.add_argument("--agency", help="id, short name or name")
    create.add_argument("--name", help="as on certificates; the address by default")
    create.add_argument("--position", choices=sorted(POSITIONS), default="community")
    create.add_argument(
        "--password-stdin", action="store_true", help="read it from standard input"
    )
    create.add_argument("--json", action="store_true", help="one JSON document")
    create.set_defaults(run=run_user_create)
    fill = commands.add_parser("demo", help="fill an empty installation with a demo")
    fill.add_argument("--json", action="store_true", help="one JSON document")
    fill.set_defaults(run=run_demo)


def run_user_create(arguments: argparse.Namespace, config: Config) -> int:
    """Make a user; prints the id."""
    now = datetime.now(UTC)
    if arguments.password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = getpass.getpass("Password: ")
    check_schema(config)
    with writing(make_engine(config.database_url)) as db:
        agency = None
        if arguments.agency:
            agency = find_agency(db, name=arguments.agency)
            if agency is None:
                raise NotFound(f"There is no agency {arguments.agency!r}.")
        user = create_user(
            db,
            email=arguments.email,
            name=arguments.name or arguments.email,
            password=password,
            roles=[arguments.role],
            agency=agency,
            position=arguments.position,
            now=now,
        )
        record_act(
            db,
            user_id=None,
            action="user.added",
            subject="user",
            subject_id=user.id,
            detail={"role": arguments.role, "by": "command line"},
            now=now,
        )
        made = {"id": str(user.id), "email": user.email, "role": arguments.role}
    if arguments.json:
        sys.stdout.write(json.dumps(made) + "\n")
    else:
        sys.stdout.write(f"{made['email']} can sign in at {config.portal_url}\n")
    return 0


def run_demo(arguments: argparse.Namespace, config: Config) -> int:
    """Fill an empty installation; say so and change nothing where it is not empty."""
    check_schema(config)
    parts = Parts(config, make_engine(config.database_url), make_storage(config))
    try:
        filled = demo.fill(parts, now=datetime.now(UTC))
    finally:
        # what serves next in this process begins others, and takes no connection along
        parts.engine.dispose()
    if arguments.json:
        sys.stdout.write(json.dumps(filled.as_json() if filled else {}) + "\n")
    elif filled is not None:
        sys.stdout.write(filled.as_text())
    else:
        sys.stdout.write("There is data already; the demo was not added.\n")
    return 0
