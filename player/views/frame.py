"""The player page, on the portal's origin: bar, unit menu, state of saving, the unit.

The unit's frame shows the content site only, sandboxed; scripts and styles are files
of ours, so no inline script could run. The page needs no sign-in: its token comes in
the address once, then in a cookie that only this page's address gets, so that loading
it again works and the address bar holds no token.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, make_response, render_template, request

from lrs.db import reading
from lrs.views.access import allow
from lrs.views.application import parts
from packages.courses import get_package, manifest_of
from packages.manifest import Manifest
from player import tokens, urls
from player.outline import outline
from player.sittings import get_launch
from player.tables import Launch
from player.views.assets import asset
from player.views.content import SANDBOX
from statements.errors import NotFound, Unauthenticated

BLUEPRINT = Blueprint("player", __name__, template_folder="../templates")

COOKIE = "rollcall_launch"
PAGE_FILES = frozenset(
    {
        "display.js",
        "frame.css",
        "frame.js",
        "heard.js",
        "journal.js",
        "progress.js",
        "queue.js",
        "returned.js",
        "window.js",
        "words.js",
    }
)


def policy(frame: str) -> str:
    """The page's Content-Security-Policy; `frame` is the one origin it may show."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "font-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            f"frame-src {frame}",
            "frame-ancestors 'self'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


@BLUEPRINT.get("/assets/player/<name>")
@allow("public")
def page_file(name: str) -> Response:
    if name not in PAGE_FILES:
        abort(404)
    return asset(name)


@BLUEPRINT.get("/launches/<uuid:launch_id>")
@allow("public")
def play(launch_id: UUID) -> Response:
    """The page; open to all, since it is the token that is checked, and with words."""
    config, now = parts().config, datetime.now(UTC)
    token = request.args.get("token") or request.cookies.get(COOKIE, "")
    try:
        tokens.read_token(config, token, launch_id=launch_id, now=now)
        with reading(parts().engine) as db:
            launch = get_launch(db, launch_id=launch_id)
            manifest = manifest_of(get_package(db, package_id=launch.package_id))
    except (Unauthenticated, NotFound):
        return _closed(
            "This link has expired", "Open the course again from your course list."
        )
    if launch.ended_at is not None:
        return _closed(
            "This launch is over",
            "It was ended, or the course was opened again elsewhere. "
            "Open it from your course list.",
            return_url=urls.web_address(launch.return_url),
            status=410,
        )
    origin = urls.content_origin(config, launch.label)
    page = render_template(
        "frame.html",
        data=_data(launch, manifest, token=token, origin=origin),
        sandbox=SANDBOX,
        **_names(launch, manifest),
    )
    response = _protect(make_response(page), origin)
    response.set_cookie(
        COOKIE,
        token,
        path=f"/launches/{launch_id}",
        secure=config.portal_url.startswith("https:"),
        httponly=True,
        samesite="Lax",
    )
    return response


def _data(
    launch: Launch, manifest: Manifest, *, token: str, origin: str
) -> dict[str, Any]:
    """What the page's script is told; see static/frame.js."""
    return {
        "launch": str(launch.id),
        "registration": str(launch.registration),
        "token": token,
        "journal_key": tokens.journal_key(parts().config, actor=launch.actor_ifi),
        "content": origin,
        "unit": launch.unit,
        "unit_title": manifest.units[launch.unit].title,
        "return_url": urls.web_address(launch.return_url),
        "sign_in_url": "/sign-in",
    }


def _names(launch: Launch, manifest: Manifest) -> dict[str, Any]:
    """Titles, and the units before and after, for the template."""
    present = launch.unit
    units = [unit for unit in manifest.units if unit.visible or unit.index == present]
    order = [unit.index for unit in units]
    place = order.index(present)
    return {
        "mode": launch.mode,
        "course_title": launch.course_title,
        "unit_title": units[place].title,
        "units": units,
        "present": present,
        "outline": outline(manifest, units),
        "position": place + 1,
        "previous": order[place - 1] if place > 0 else None,
        "next": order[place + 1] if place + 1 < len(order) else None,
        "hides": units[place].hides,
    }


def _closed(
    title: str, text: str, *, return_url: str = "", status: int = 401
) -> Response:
    page = render_template("closed.html", title=title, text=text, return_url=return_url)
    return _protect(make_response(page, status), "'none'")


def _protect(response: Response, frame: str) -> Response:
    headers = response.headers
    headers["Content-Security-Policy"] = policy(frame)
    # plain same-origin would cut off the windows that units open from their API
    headers["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
    headers["X-Frame-Options"] = "SAMEORIGIN"
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cache-Control"] = "no-store"
    # browsers drop the unload event step by step; older packages save in it
    allowed = "" if frame == "'none'" else f' "{frame}"'
    headers["Permissions-Policy"] = f"unload=(self{allowed})"
    return response
