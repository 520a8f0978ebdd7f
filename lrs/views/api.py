"""What all calls of the management API below /api/v1 share.

A call is described where it stands: its schemas check what comes, give what is
answered, and are what `/api/v1/openapi.json` says (lrs/views/openapi.py). Bodies and
parameters are taken strictly: what is unknown, twice or of another type is refused.
Refusals are problem documents (RFC 9457), those of the framework, too.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

import flask_smorest
import orjson
from flask import Flask, Request, Response, request
from marshmallow import (
    EXCLUDE,
    INCLUDE,
    RAISE,
    Schema,
    ValidationError,
    fields,
    validate,
)
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import (
    HTTPException,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)

from lrs import problems
from lrs.cursors import read_cursor, write_cursor
from lrs.logs import REQUEST_ID
from lrs.views import callers
from lrs.views.access import Allowed
from lrs.views.application import parts
from statements import scalars
from statements.errors import DomainError, Invalid, InvalidParameter, TooLarge
from statements.scalars import format_timestamp

PREFIX = "/api/v1"
LARGEST_BODY = 64 * 1024
LARGEST_PAGE = 500
USUAL_PAGE = 100
SAFE = ("GET", "HEAD")
LOCATION = {
    "Location": {
        "description": "Where it is.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    }
}
# U+0000 as JSON writes it: no database takes it
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

# what marshmallow says -> what we say
OWN_WORDS = {
    "Missing data for required field.": "it is required.",
    "Unknown field.": "there is no such {kind}.",
    "Field may not be null.": "it may not be null.",
}

View = Callable[..., Any]
Declare = Callable[[View], View]


class Given(Schema):
    """What a caller sends: unknown members are mistakes."""

    class Meta:
        """Strictly."""

        unknown = RAISE


class Answered(Schema):
    """What a caller gets: every member is always there; others may be added."""

    class Meta:
        """No promise that there will never be more."""

        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: Any) -> None:
        """Promise the member."""
        del field_name
        field_obj.required = True


class Whole(fields.Integer):
    """A whole number, `1.0` like `1`; neither `true` nor text is one."""

    def __init__(self, **words: Any) -> None:
        super().__init__(strict=True, **words)

    def _deserialize(self, value: Any, *args: Any, **words: Any) -> int:
        if isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return super()._deserialize(value, *args, **words)


class Digits(fields.Integer):
    """A whole number in an address."""

    def _deserialize(self, value: Any, *args: Any, **words: Any) -> int:
        if not re.fullmatch("[0-9]{1,9}", str(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *args, **words)


class Uuid(fields.UUID):
    """A UUID in its usual spelling."""

    def _deserialize(self, value: Any, *args: Any, **words: Any) -> uuid.UUID:
        if not isinstance(value, str) or not scalars.is_uuid(value):
            raise self.make_error("invalid_uuid")
        return super()._deserialize(value, *args, **words)


class Instant(fields.AwareDateTime):
    """An instant: RFC 3339, answered in UTC."""

    def _serialize(self, value: datetime | None, *args: Any, **words: Any) -> Any:
        del args, words
        return None if value is None else format_timestamp(value)


class PageQuery(Given):
    """Which page of a list."""

    cursor = fields.String(
        metadata={"description": "Where the page before ended: its `cursor`."},
    )
    limit = Digits(
        load_default=USUAL_PAGE,
        validate=validate.Range(1, LARGEST_PAGE),
        metadata={"description": "How many a page may have."},
    )


class NoBody(Given):
    """An empty object."""


class Problem(Schema):
    """Why a request was refused (RFC 9457). Other members tell more of some."""

    class Meta:
        """As RFC 9457 has it."""

        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(
        required=True, metadata={"description": "The status in words."}
    )
    status = fields.Integer(required=True)
    code = fields.String(
        required=True,
        metadata={"description": "What is wrong, for programs: it does not change."},
    )
    detail = fields.String(
        required=True, metadata={"description": "What is wrong, in a sentence."}
    )
    field = fields.String(
        metadata={"description": "Which member or parameter is meant."}
    )


def text(
    words: str, *, pattern: str = "", longest: int = 0, form: str = "", **more: Any
) -> fields.String:
    """A text, described; `form` is what JSON Schema calls a format."""
    said = {"description": words} | ({"format": form} if form else {})
    checks: list[Any] = [validate.Regexp(pattern)] if pattern else []
    checks += [validate.Length(max=longest)] if longest else []
    if checks:
        more["validate"] = checks
    return fields.String(metadata=said, **more)


class Parser(FlaskParser):
    """Reads what was sent as a schema says; raises InvalidParameter and its like."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012
        "json": None,
        "query": RAISE,
        "headers": EXCLUDE,
    }

    def load_json(self, req: Any, schema: Any) -> Any:
        """The body; none at all stands for an empty object."""
        del schema
        return json_of(req)

    def load_querystring(self, req: Any, schema: Any) -> Any:
        """The parameters of the address, each at most once."""
        del schema
        return parameters_of(req)

    def handle_error(
        self, error: ValidationError, req: Any, schema: Any, **_words: Any
    ) -> Any:
        """Say which member is wrong, and how."""
        del req, schema
        # by location: {"json": {"name": ["…"]}}
        [(place, wrong)] = cast("dict[str, Any]", error.messages).items()
        field = next(iter(wrong))
        named = "The body" if field == "_schema" else field
        kind = "member" if place == "json" else "parameter"
        raise InvalidParameter(
            f"{named}: {_said(wrong[field], kind)}",
            field=None if field == "_schema" else str(field),
        ) from None


def json_of(req: Request) -> Any:
    """The JSON of a body; raises Invalid, TooLarge, UnsupportedMediaType."""
    req.max_content_length = LARGEST_BODY
    if req.mimetype and not req.is_json:
        raise UnsupportedMediaType("Send the body as application/json.")
    try:
        body = req.get_data() or b"{}"
        given = orjson.loads(body)
    except RequestEntityTooLarge:
        raise TooLarge(
            f"At most {LARGEST_BODY} bytes are taken.", limit=LARGEST_BODY
        ) from None
    except orjson.JSONDecodeError:
        raise Invalid("The body is not JSON.") from None
    if _NUL.search(body):
        _refuse_nul(given)
    return given


def _refuse_nul(given: Any) -> None:
    """Raise InvalidParameter for the member that holds U+0000."""
    members = given if isinstance(given, dict) else {"The body": given}
    for name, value in members.items():
        if _NUL.search(orjson.dumps([name, value])):
            message = f"{name}: it may not hold U+0000."
            raise InvalidParameter(message, field=name)


def parameters_of(req: Request) -> dict[str, str]:
    """The parameters of the address; raises InvalidParameter for one that is twice."""
    for name, values in req.args.lists():
        if len(values) > 1:
            message = f"{name[:80]!r} is given more than once."
            raise InvalidParameter(message, field=name[:80])
        if "\0" in name or "\0" in values[0]:
            raise InvalidParameter("Parameters may not hold U+0000.", field=name[:80])
    return req.args.to_dict()


def _said(messages: object, kind: str) -> str:
    """The messages of a schema as one text; `kind` is what is wrong: member or other."""
    if isinstance(messages, Mapping):
        return " ".join(f"{name}: {_said(one, kind)}" for name, one in messages.items())
    if isinstance(messages, list):
        return " ".join(_said(one, kind) for one in messages)
    own = OWN_WORDS.get(str(messages))
    return str(messages) if own is None else own.format(kind=kind)


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """Calls of one kind; `description` is what the document says of the kind.

    The scope that a call declares (`@allow`), who may not, and what every call may be
    refused for are described here once.
    """

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, import_name: str, *, description: str) -> None:
        super().__init__(name, import_name, url_prefix=PREFIX, description=description)
        self.record_once(lambda state: callers.install(cast("Flask", state.app)))
        self.before_request(_no_parameters_unasked)
        self.after_request(_keep_nothing)
        self.register_error_handler(DomainError, callers.problem_response)
        self.register_error_handler(HTTPException, framework_problem)

    def route(self, rule: str, **options: Any) -> Declare:
        """Declare a call, with what all calls have in common; its name is the view's."""

        def add(view: View) -> View:
            words = _common(view, rule, options.get("methods", ["GET"]))
            described = self.doc(**words)(view)
            name = options.pop("endpoint", view.__name__)
            super(Blueprint, self).add_url_rule(rule, name, described, **options)
            return view

        return add

    def get(self, rule: str, **options: Any) -> Declare:
        """Declare a call that reads."""
        return self.route(rule, methods=["GET"], **options)

    def post(self, rule: str, **options: Any) -> Declare:
        """Declare a call that adds or acts."""
        return self.route(rule, methods=["POST"], **options)

    def delete(self, rule: str, **options: Any) -> Declare:
        """Declare a call that removes."""
        return self.route(rule, methods=["DELETE"], **options)

    @staticmethod
    def doc(**words: Any) -> Declare:
        """Say more of a call."""
        return cast("Declare", flask_smorest.Blueprint.doc(**words))

    def arguments(self, schema: Any, **words: Any) -> Declare:
        """Check what is sent by a schema and hand it on."""
        return cast("Declare", super().arguments(schema, **words))

    def response(self, status: int, schema: Any = None, **words: Any) -> Declare:
        """Answer by a schema."""
        return cast("Declare", super().response(status, schema, **words))

    def alt_response(self, status: int, response: Any = None, **words: Any) -> Declare:
        """Say what else may be answered."""
        return cast("Declare", super().alt_response(status, response, **words))


def _common(view: View, rule: str, methods: list[str]) -> dict[str, Any]:
    """What the document says of a call by itself."""
    allowed: Allowed = view.allowed  # type: ignore[attr-defined]
    about = getattr(view, "_apidoc", {})
    refusals = {400: "BAD_REQUEST", 503: "SERVICE_UNAVAILABLE"}
    if allowed.kind == "credential":
        refusals |= {
            401: "UNAUTHORIZED",
            403: "FORBIDDEN",
            429: "TOO_MANY_REQUESTS",
        }
    if "<" in rule:
        refusals[404] = "NOT_FOUND"
    if not set(methods) & set(SAFE):
        refusals[411] = "LENGTH_REQUIRED"
    if "POST" in methods:
        refusals[413] = "REQUEST_ENTITY_TOO_LARGE"
    if any(one["in"] == "json" for one in _arguments(about)):
        refusals[415] = "UNSUPPORTED_MEDIA_TYPE"
    words: dict[str, Any] = {"operationId": view.__name__, "responses": refusals}
    if allowed.kind == "credential":
        words["security"] = [{"basic": []}, {"oauth2": [allowed.scope]}]
        words["x-scope"] = allowed.scope
    return words


def _arguments(about: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = about.get("arguments", {}).get("parameters", [])
    return found


def _no_parameters_unasked() -> None:
    """Refuse parameters where a call takes none."""
    from flask import current_app

    view = current_app.view_functions[request.endpoint or ""]
    taken = any(
        one["in"] == "query" for one in _arguments(getattr(view, "_apidoc", {}))
    )
    if request.args and not taken:
        name = next(iter(request.args))[:80]
        raise InvalidParameter(f"There is no parameter {name!r} here.", field=name)


def _keep_nothing(answer: Response) -> Response:
    answer.headers.setdefault("Cache-Control", "no-store")
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    return answer


def framework_problem(error: HTTPException) -> Response:
    """What Flask refuses (address, method, media type), or a fault, as a problem."""
    status = error.code or 500
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": error.name,
        "status": status,
        "code": error.name.lower().replace(" ", "_"),
        "detail": error.description or error.name,
    }
    if status >= 500:
        # nothing of the fault but the number under which it is in the log
        body["code"] = "fault"
        body["detail"] = "The fault is on our side and has been noted."
        body["reference"] = REQUEST_ID.get()
    own = {"content-type", "content-length"}
    kept = [pair for pair in error.get_headers() if pair[0].lower() not in own]
    return Response(orjson.dumps(body), status, kept, content_type=problems.MEDIA_TYPE)


def is_api(path: str) -> bool:
    """Whether an address is one of the management API's, there or not."""
    return path.startswith("/api/")


def position(cursor: str | None, *, of: str) -> dict[str, Any] | None:
    """Where the page before ended; raises InvalidParameter for no cursor of ours.

    `of` says what is listed: a cursor is good for that list and this caller alone.
    """
    if cursor is None:
        return None
    return read_cursor(cursor, secret=parts().config.secret_key, caller=_owner(of))


def cursor_to(place: dict[str, Any], *, of: str) -> str:
    """The cursor that leads on from there."""
    return write_cursor(place, secret=parts().config.secret_key, caller=_owner(of))


def _owner(of: str) -> str:
    return f"{of} {callers.current_credential().key}"
