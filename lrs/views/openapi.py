"""The management API described: `/api/v1/openapi.json`, and the same as a page.

OpenAPI 3.1, made from the schemas and declarations of the calls themselves, so it says
what is checked. A record store that stands alone describes its own calls only. The
page needs no script and nothing from elsewhere.
"""

from http import HTTPStatus
from importlib import resources
from typing import Any

import flask_smorest
import orjson
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    render_template,
    request,
)
from werkzeug.exceptions import HTTPException

from lrs import problems
from lrs.credentials import MEANINGS
from lrs.readable import readable
from lrs.views import api, xapi
from lrs.views.access import allow
from lrs.views.application import parts

BLUEPRINT = Blueprint(
    "openapi", __name__, url_prefix=api.PREFIX, template_folder="../templates"
)
POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
VERSION = "1.0"
DESCRIPTION = """\
For other systems: packages, launches, registrations and credentials. Statements are
read and written at `/xapi`.

Come with a credential: key and secret by Basic authentication, or a token bought with
them (OAuth 2, client credentials). Each call names the scope that it needs.

Bodies are JSON unless a call says otherwise. Members and parameters that are unknown,
given twice or of another type are refused. Ids are UUIDs, times RFC 3339 in UTC, scores
decimals from -1 to 1. Lists are paged by `cursor`: send the one that the last page
gave, until it is null.

Refusals are `application/problem+json` (RFC 9457): `code` is for programs and stays,
`detail` says what is wrong."""


class Description(flask_smorest.Api):  # type: ignore[misc]
    """Refusals are problem documents; none is described that a call does not give."""

    ERROR_SCHEMA = api.Problem
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_responses(self) -> None:
        for status in HTTPStatus:
            if status >= HTTPStatus.BAD_REQUEST:
                answer = {
                    "description": status.phrase,
                    "content": {problems.MEDIA_TYPE: {"schema": self.ERROR_SCHEMA}},
                }
                self.spec.components.response(status.name, answer, lazy=True)

    def _register_pagination_header(self) -> None:
        """Pages tell where they end in their body."""


@BLUEPRINT.app_errorhandler(HTTPException)
def _refused(error: HTTPException) -> Response | HTTPException:
    """Unknown addresses of the API as a problem, those of xAPI in its form."""
    if request.path.startswith("/xapi/"):
        return xapi.unroutable(error)
    return api.framework_problem(error) if api.is_api(request.path) else error


@BLUEPRINT.get("/openapi.json")
@allow("public")
def openapi() -> Response:
    """The document."""
    answer = Response(orjson.dumps(described()), content_type="application/json")
    # scripts of every site may read it: it says nothing of anybody
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cache-Control"] = "no-cache"
    answer.add_etag()
    return answer


@BLUEPRINT.get("/docs")
@allow("public")
def page() -> Response:
    """The document to read."""
    text = render_template("api.html", api=readable(described()))
    answer = Response(text, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@BLUEPRINT.get("/docs/api.css")
@allow("public")
def style() -> Response:
    """How the page looks."""
    sheet = resources.files("lrs").joinpath("static/api.css").read_bytes()
    answer = Response(sheet, content_type="text/css; charset=utf-8")
    answer.headers["Cache-Control"] = "public, max-age=3600"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def described() -> dict[str, Any]:
    """The document of the running application, made once."""
    found: dict[str, Any] | None = current_app.extensions.get("rollcall_openapi")
    if found is None:
        found = current_app.extensions["rollcall_openapi"] = describe(
            current_app, address=parts().config.portal_url
        )
    return found


def describe(app: Flask, *, address: str) -> dict[str, Any]:
    """The document of an application that is reached at `address`."""
    # the library adds handlers to the application that it describes: not to ours
    description = Description(
        Flask("description", static_folder=None),
        spec_kwargs={
            "title": "Rollcall",
            "version": VERSION,
            "openapi_version": "3.1.0",
            "info": {"description": DESCRIPTION},
            "servers": [{"url": address}],
        },
    )
    schemes = description.spec.components
    schemes.security_scheme("basic", {"type": "http", "scheme": "basic"})
    schemes.security_scheme(
        "oauth2",
        {
            "type": "oauth2",
            "flows": {
                "clientCredentials": {
                    "tokenUrl": f"{address}/xapi/oauth/token",
                    "scopes": MEANINGS,
                }
            },
        },
    )
    for blueprint in app.blueprints.values():
        if isinstance(blueprint, api.Blueprint):
            description.register_blueprint(blueprint)
    found: dict[str, Any] = description.spec.to_dict()
    return found
