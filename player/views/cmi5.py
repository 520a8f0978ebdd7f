"""What a unit of cmi5 asks of the portal's host: its authorization, and the way back.

cmi5 8.2 and 10.2.6. Units may be on any site, so every site may ask for an authorization;
the address is the secret, and it works once. The page that a unit leads back to may be
framed by the content site, as nothing on it can be done.
"""

import re
from datetime import UTC, datetime
from uuid import UUID

import orjson
from flask import Blueprint, Response, make_response, render_template, request

from lrs.db import reading, writing
from lrs.views.access import allow
from lrs.views.application import parts
from player import heard, urls
from player.cmi5 import sessions
from player.cmi5.sessions import FAILED, FetchError
from player.sittings import get_launch
from statements.errors import NotFound, Unavailable

BLUEPRINT = Blueprint("cmi5", __name__, template_folder="../templates")

CORS = {
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Max-Age": "7200",
    "Vary": "Origin",
}
_HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{0,1000}")


def cors() -> dict[str, str]:
    """What lets any site ask, also one that sends cookies along: none is looked at."""
    origin = request.headers.get("Origin", "")
    if not origin:
        return {**CORS, "Access-Control-Allow-Origin": "*"}
    return {
        **CORS,
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
    }


@BLUEPRINT.post("/cmi5/fetch/<token>", provide_automatic_options=False)
@allow("public")
def fetch(token: str) -> Response:
    """The authorization, to the first who asks; a refusal is 200 as well (8.2.1)."""
    try:
        with writing(parts().engine) as db:
            found = sessions.fetch(
                db, config=parts().config, token=token, now=datetime.now(UTC)
            )
    except Unavailable:
        found = FAILED
    if isinstance(found, FetchError):
        found = {"error-code": found.code, "error-text": found.text}
    return Response(
        orjson.dumps(found),
        content_type="application/json",
        headers={**cors(), "Cache-Control": "no-store"},
    )


@BLUEPRINT.route("/cmi5/fetch/<token>", methods=["OPTIONS"])
@allow("public")
def may_fetch(token: str) -> Response:
    """Any site may ask, with whatever headers it likes."""
    del token
    wanted = request.headers.get("Access-Control-Request-Headers", "")
    allowed = wanted if _HEADER_NAMES.fullmatch(wanted) else ""
    return Response(
        status=204,
        headers={**cors(), "Access-Control-Allow-Headers": allowed or "Content-Type"},
    )


@BLUEPRINT.get("/cmi5/return/<uuid:launch_id>")
@allow("public")
def came_back(launch_id: UUID) -> Response:
    """Where a unit leads when it is left: says so, and tells the player page."""
    config = parts().config
    try:
        with reading(parts().engine) as db:
            launch = get_launch(db, launch_id=launch_id)
        back, origin = launch.return_url, urls.content_origin(config, launch.label)
    except NotFound:
        back, origin = "", ""
    page = render_template(
        "returned.html",
        data={"launch": str(launch_id), "return_url": urls.web_address(back)},
    )
    response = make_response(page)
    response.headers["Content-Security-Policy"] = "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "font-src 'self'",
            "img-src data:",
            f"frame-ancestors 'self' {origin}".rstrip(),
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    # as a window of its own it is the page that opened it which closes it
    response.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


@BLUEPRINT.get("/launches/<uuid:launch_id>/heard")
@allow("launch")
def heard_of(launch_id: UUID) -> Response:
    """How far a unit is that speaks to the record store by itself."""
    with reading(parts().engine) as db:
        known = heard.heard_of(db, launch_id=launch_id)
    body = {
        "state": known.state,
        "completion": known.completion,
        "refused": known.refused,
    }
    return Response(
        orjson.dumps(body),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
