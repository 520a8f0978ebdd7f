"""The content site: a package's files, byte for byte, and the player's shell.

Runs as its own application on hosts `<label>.<content host>`, another site than the
portal, so that a package can reach neither the portal's cookies nor its windows. The
label (128 bits of a keyed hash of learner and package version) is the only key, and it
opens only while a launch of it is open. Cookies are neither read nor set. `/__player/`
is ours: no file of a package is ever looked up there.

Files are answered by `player/views/files.py`, before Flask; the headers that every
answer carries are in `player/views/protection.py`. Fetch Metadata Request Headers.
"""

import json
from datetime import UTC, datetime
from typing import NoReturn, cast

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    render_template,
    request,
)
from flask.blueprints import BlueprintSetupState

from lrs.db import reading, writing
from lrs.parts import Parts
from lrs.problems import headers_of, status_of
from lrs.views.access import Allowed, allow, set_guard
from lrs.views.application import parts
from lrs.views.callers import problem_response
from packages.hosts import allowed_hosts
from player import entries as log
from player import hacp, launches
from player.views.assets import asset
from player.views.files import NO_WORKERS, NOT_OPEN, Files, is_service_worker, label_of
from player.views.hacp import answer_command
from player.views.protection import NEVER, SANDBOX, Protection
from statements.errors import DomainError

__all__ = ["BLUEPRINT", "SANDBOX"]

BLUEPRINT = Blueprint("content", __name__, template_folder="../templates")

# A beacon carries at most 64 KiB; fetch may carry more.
LARGEST_TAIL = 8 * 1024 * 1024

SHELL_FILES = frozenset(
    {
        "shell.js",
        "shell.css",
        "api.js",
        "calls.js",
        "model.js",
        "types.js",
        "chain.js",
        "frames.js",
        "lastwords.js",
        "sha256.js",
    }
)


@BLUEPRINT.record
def _stand_before(state: BlueprintSetupState) -> None:
    """Let files be answered before Flask; here is what is left to it."""
    app = cast("Flask", state.app)
    protection = Protection(cast("Parts", app.extensions["rollcall"]).config)
    app.extensions["rollcall_protection"] = protection
    files = Files(app.wsgi_app, app.extensions["rollcall"], protection)
    app.wsgi_app = files  # type: ignore[method-assign]
    set_guard(app, "launch", _admit)


@BLUEPRINT.before_app_request
def refuse_service_workers() -> None:
    """A service worker would outlive the launch and stand before the shell."""
    if is_service_worker(request.environ):
        _refuse(403, NO_WORKERS)


@BLUEPRINT.after_app_request
def protect(response: Response) -> Response:
    """Every status carries the same protection, errors included."""
    headers = response.headers
    for name in NEVER:
        headers.pop(name, None)
    protection: Protection = current_app.extensions["rollcall_protection"]
    headers.update(protection.headers(g.get("hosts", ())))
    headers.setdefault("Cache-Control", "no-store")
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
    return label_of(parts().config, request.host)


def _admit(_: Allowed) -> None:
    """The guard of this site: a launch of the label must be open."""
    with reading(parts().engine) as db:
        grant = launches.find_content(db, label=_label(), now=datetime.now(UTC))
        if grant is None:
            _refuse(404, NOT_OPEN)
        g.hosts = allowed_hosts(db, package_id=grant.package_id)


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


@BLUEPRINT.route(hacp.PATH, methods=["GET", "POST"])
@allow("public")
def aicc() -> Response:
    """What an AICC unit of the package says; its session opens one launch."""
    return answer_command(label=_label())


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
