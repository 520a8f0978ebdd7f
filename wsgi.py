"""The composition root: the only file that sees every floor.

`application` is what the server runs: one WSGI callable that gives requests for the
portal's host to the portal application and everything under the content host to the
content application, which has no session, no cookies and no portal routes. Of the
portal's host, /xapi is the record store's: an application of its own.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask
from sqlalchemy import MetaData
from werkzeug.middleware.proxy_fix import ProxyFix

import lrs.attachments
import lrs.cli
import lrs.oauth
import lrs.rules.cli
import lrs.server
import lrs.transfer.cli
import lrs.views
import packages.cli
import packages.intake
import packages.uploads
import packages.views
import player.cmi5.expiring
import player.cmi5.guard
import player.cmi5.sessions
import player.launches
import player.views
import player.views.content
import player.xapi_launch
import portal.certificates
import portal.cli
import portal.views
from lrs.commands import run_command
from lrs.config import Config, plain_host
from lrs.db import Base
from lrs.parts import Parts
from lrs.rules import derive
from lrs.sessions import Sessions
from lrs.views.express import StoreApp
from lrs.worker import Work
from player.views.protection import Protection

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

WORK = Work(
    handlers={
        "package.import": (packages.intake.import_package,),
        "package.delete": (packages.intake.remove_files,),
        "rules.changed": (derive.handle_changed,),
        "completion.derived": (portal.certificates.issue_for_completion,),
        "completion.reversed": (portal.certificates.review_for_reversal,),
    },
    followers={"rules": derive.derive_range},
    periodic={
        "tokens.forget": (timedelta(hours=1), lrs.oauth.forget_expired),
        "uploads.sweep": (timedelta(hours=1), packages.uploads.sweep_uploads),
        "attachments.sweep": (timedelta(hours=1), lrs.attachments.sweep),
        "player.suspend_stale": (timedelta(minutes=5), player.launches.suspend_stale),
        "cmi5.abandon_expired": (
            timedelta(minutes=5),
            player.cmi5.expiring.abandon_expired,
        ),
    },
)

# by kind: who says what a launched unit may do at /xapi
SESSIONS: dict[str, Callable[[Config], Sessions]] = {
    player.cmi5.sessions.KIND: player.cmi5.guard.Cmi5Sessions,
    player.xapi_launch.KIND: player.xapi_launch.XapiSessions,
}


def metadata() -> MetaData:
    """All tables; importing this module has registered them."""
    return Base.metadata


def create_app(parts: Parts) -> Flask:
    """The portal application: portal, player page and run-time; before it, /xapi."""
    app = _flask("rollcall", parts)
    portal.views.prepare(app)
    for floor in (lrs.views, packages.views, player.views, portal.views):
        for blueprint in floor.BLUEPRINTS:
            app.register_blueprint(blueprint)
    store, pages = create_lrs_app(parts), app.wsgi_app

    def either(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        is_xapi = f"{environ['PATH_INFO']}/".startswith("/xapi/")
        return (store.wsgi_app if is_xapi else pages)(environ, start_response)

    app.wsgi_app = either  # type: ignore[method-assign]
    return app


def create_lrs_app(parts: Parts) -> Flask:
    """The record store at /xapi: no session, no cookies, nothing of the portal."""
    app = _flask("lrs", parts, kind=StoreApp)
    app.extensions["rollcall_sessions"] = {
        kind: make(parts.config) for kind, make in SESSIONS.items()
    }
    for blueprint in lrs.views.XAPI:
        app.register_blueprint(blueprint)
    return app


def create_content_app(parts: Parts) -> Flask:
    """The content application: units' files and the player's shell."""
    app = _flask("content", parts, player.views.content.BLUEPRINT)
    protection = Protection(parts.config)
    app.wsgi_app = protection.around(app.wsgi_app)  # type: ignore[assignment, method-assign]
    return app


def _flask(
    name: str, parts: Parts, *blueprints: Blueprint, kind: type[Flask] = Flask
) -> Flask:
    app = kind(name, static_folder=None, root_path=str(Path(__file__).parent))
    app.extensions["rollcall"] = parts
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    # around what they put before Flask
    lrs.server.prepare(app)
    return app


def create_application(parts: Parts) -> Wsgi:
    """Both applications, chosen by the `Host` header."""
    portal_app, content_app = create_app(parts), create_content_app(parts)
    content_host = parts.config.content_host
    scheme = urlsplit(parts.config.content_url).scheme

    def application(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        host = plain_host(environ.get("HTTP_HOST", ""), scheme=scheme)
        inside = host == content_host or host.endswith(f".{content_host}")
        app: Any = content_app if inside else portal_app
        answer: Iterable[bytes] = app(environ, start_response)
        return answer

    if parts.config.trusted_proxies:
        # only the address is the proxies' to say; host and scheme are settings
        return ProxyFix(
            application, x_for=parts.config.trusted_proxies, x_proto=0, x_host=0
        )
    return application


def parser() -> argparse.ArgumentParser:
    """The command line; each floor adds its own commands."""
    top = argparse.ArgumentParser(
        prog="rollcall", description="Learning record store and course player."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    lrs.server.add_commands(commands, create_application, WORK)
    for floor in (
        lrs.cli,
        lrs.transfer.cli,
        lrs.rules.cli,
        packages.cli,
        portal.cli,
    ):
        floor.add_commands(commands)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run a command: 0 done, 1 refused or failed with a reason, 2 wrong use."""
    return run_command(parser(), argv, os.environ)


if __name__ == "__main__":
    sys.exit(main())
