"""HACP over HTTP (CMI001, A.6): one address, a form posted, an answer in plain text.

Units of a package ask their own content site (player/views/content.py); units on other
servers ask here, from the learner's browser or from the server they lie on. No cookie
is looked at: the session that the launch gave the unit is all there is, so every site
may read the answer. Refusals are answers of HACP with status 200, as units expect.
"""

from datetime import UTC, datetime

from flask import Blueprint, Response, request

from lrs.db import writing
from lrs.problems import headers_of, status_of
from lrs.views.access import allow
from lrs.views.application import parts
from player import hacp
from player.aicc_text import PARAMETERS, Request, read_request, request_of
from statements.errors import DomainError

BLUEPRINT = Blueprint("hacp", __name__)

LARGEST = 1024 * 1024
HEADERS = {
    "Cache-Control": "no-store",
    "Vary": "Origin",
    "X-Content-Type-Options": "nosniff",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type, X-Requested-With",
    "Access-Control-Max-Age": "7200",
}
PLAIN = "text/plain"


@BLUEPRINT.errorhandler(DomainError)
def explain(error: DomainError) -> Response:
    """The reason in plain text; a unit may try again where the server is busy."""
    headers = {**headers_of(error), **_headers()}
    return Response(f"{error.detail}\n", status_of(error), headers, mimetype=PLAIN)


@BLUEPRINT.route("/hacp", methods=["GET", "POST", "OPTIONS"])
@allow("public")
def elsewhere() -> Response:
    """What an AICC unit on another server says."""
    if request.method == "OPTIONS":
        return Response(status=204, headers={**_headers(), **PREFLIGHT})
    return answer_command(label=None)


def answer_command(*, label: str | None) -> Response:
    """The command of the request at hand, applied and answered."""
    request.max_content_length = LARGEST
    said = _said()
    with writing(parts().engine) as db:
        told = hacp.receive(
            db,
            config=parts().config,
            request=said,
            now=datetime.now(UTC),
            label=label,
        )
    return Response(told, headers=_headers(), mimetype=PLAIN)


def _headers() -> dict[str, str]:
    """What lets any site read the answer, also one that sends cookies along."""
    origin = request.headers.get("Origin")
    if origin is None:
        return HEADERS
    allowed = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
    }
    return {**HEADERS, **allowed}


def _said() -> Request:
    """The command, however the unit wrote its form."""
    if request.mimetype == "multipart/form-data":
        form = {name.lower(): value for name, value in request.form.items()}
        said = {name: form.get(name, "").strip() for name in PARAMETERS}
        return request_of(said, form.get("aicc_data", ""))
    return read_request(request.get_data(), request.query_string)
