"""What every portal page shares: blueprints, guards, headers, errors as pages."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Flask, Response, redirect, render_template, request
from flask_wtf.csrf import (  # type: ignore[import-untyped]
    CSRFError,
    CSRFProtect,
)
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from lrs.logs import REQUEST_ID
from lrs.problems import headers_of, problem, status_of
from lrs.views import api
from lrs.views.access import Allowed, set_guard
from lrs.views.application import parts
from lrs.views.xapi import ENCRYPTED
from portal import words
from portal.access import Principal, may
from portal.documents import LARGEST
from portal.views.signin import is_signed_in, signed_in
from statements.errors import (
    DomainError,
    Forbidden,
    Invalid,
    TooLarge,
    Unauthenticated,
)

STATIC = Path(__file__).parent.parent / "static"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
# what a browser should never show as a page
DATA = frozenset({"application/json", "application/problem+json", "text/plain"})
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
TITLES = {
    HTTPStatus.BAD_REQUEST: "That cannot be used",
    HTTPStatus.UNAUTHORIZED: "Sign in first",
    HTTPStatus.FORBIDDEN: "This is not open to you",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.METHOD_NOT_ALLOWED: "That cannot be done here",
    HTTPStatus.CONFLICT: "That does not fit what is recorded",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "That is too large",
    HTTPStatus.SERVICE_UNAVAILABLE: "Something needed does not answer",
}
# Address, label and the action that opens it, in the order of the menu.
NAVIGATION = (
    ("/my/courses", "My courses", "courses.learn"),
    ("/courses", "Catalog", "courses.browse"),
    ("/agency/learners", "Learners", "learners.view"),
    ("/authoring", "Authoring", "packages.manage"),
    ("/history", "Launches", "launches.view"),
    ("/statements", "Statements", "statements.find"),
    ("/admin/users", "Operation", "users.manage"),
    ("/admin/audit", "Log", "audit.view"),
)

csrf = CSRFProtect()


class ForeignRequest(Forbidden):
    """The request came from another site, or the page was open for too long."""


class NotSignedIn(Unauthenticated):
    """Sign in to see this page."""


def page_blueprint(name: str) -> Blueprint:
    """A blueprint of pages; templates are the portal's."""
    return Blueprint(name, __name__, template_folder="../templates")


def prepare_pages(app: Flask) -> None:
    """Guards, CSRF, what templates use, and pages for addresses without a route."""
    csrf.init_app(app)
    set_guard(app, "signed_in", _guard_signed_in)
    set_guard(app, "role", _guard_role)
    app.before_request(_check_unsafe)
    app.before_request(_check_next)
    app.context_processor(_shared)
    app.add_template_filter(words.day_in, "day")
    app.add_template_filter(words.size_text, "size")
    app.add_template_filter(words.count_text, "count_of")
    app.register_error_handler(DomainError, error_page)
    app.register_error_handler(HTTPStatus.NOT_FOUND, _not_found)
    app.register_error_handler(HTTPStatus.METHOD_NOT_ALLOWED, _not_found)
    app.register_error_handler(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large)
    app.register_error_handler(HTTPStatus.INTERNAL_SERVER_ERROR, _broken)
    app.after_request(_headers)


def clock() -> datetime:
    """The one reading of the clock of a view."""
    return datetime.now(UTC)


def render(template: str, **values: Any) -> str:
    """A page."""
    return render_template(template, **values)


def asset(name: str) -> str:
    """The address of one of our own files, new whenever its content is."""
    return f"/assets/portal/{name}?v={_version(name)}"


@lru_cache(maxsize=64)
def _version(name: str) -> str:
    return sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def home_of(principal: Principal) -> str:
    """The page that a person's work begins on."""
    order = (
        ("users.manage", "/admin/users"),
        ("packages.manage", "/authoring"),
        ("learners.view", "/agency/learners"),
        ("statements.find", "/statements"),
    )
    return next(
        (address for action, address in order if may(principal, action)), "/my/courses"
    )


def _shared() -> dict[str, Any]:
    """What every template sees."""
    me = signed_in() if is_signed_in() else None
    navigation = []
    if me is not None:
        operator = may(me.principal, "users.manage")
        for href, label, action in NAVIGATION:
            if may(me.principal, action) and not (label == "Log" and operator):
                navigation.append(
                    {"href": href, "label": label, "current": _is_current(href)}
                )
    return {"me": me, "navigation": navigation, "asset": asset}


def _is_current(href: str) -> bool:
    if href == "/admin/users":
        return request.path.startswith("/admin/")
    return request.path == href or request.path.startswith(f"{href}/")


def _guard_signed_in(declared: Allowed) -> None:
    del declared
    if not is_signed_in():
        raise NotSignedIn


def _guard_role(declared: Allowed) -> None:
    if not is_signed_in():
        raise NotSignedIn
    if not declared.names & signed_in().role_names:
        message = "Your role does not include this page."
        raise Forbidden(message)


def _check_unsafe() -> None:
    """Refuse what another site sends: Origin first, then the session's token.

    Only for routes that a session opens; others take no cookie into account.
    """
    view = None
    if request.endpoint is not None:
        from flask import current_app

        view = current_app.view_functions.get(request.endpoint)
    declared: Allowed | None = getattr(view, "allowed", None)
    if declared is None or declared.kind not in {"signed_in", "role", "public"}:
        return
    _require_text(request.args)
    if request.method in SAFE or not _is_ours(declared):
        return
    if request.endpoint in DOCUMENTS:
        request.max_content_length = DOCUMENT_LIMIT
    elif request.endpoint not in UPLOADS:
        request.max_content_length = FORM_LIMIT
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    known = {parts().config.portal_url, request.host_url.rstrip("/")}
    if (origin is not None and origin not in known) or site not in {
        "same-origin",
        "none",
    }:
        raise ForeignRequest
    try:
        csrf.protect()
    except CSRFError as error:
        raise ForeignRequest(
            "The page was open for too long. Go back, load it again and repeat it."
        ) from error
    _require_text(request.form)


def _require_text(given: MultiDict[str, str]) -> None:
    """No database takes the sign NUL in a text; raises Invalid."""
    if any("\0" in value for _, value in given.items(multi=True)):
        message = "The character U+0000 cannot be stored."
        raise Invalid(message)


def _check_next() -> BaseResponse | None:
    """Where a sign-in goes on to must be a page here; else it begins without one."""
    if request.endpoint != "security.login":
        return None
    address = request.values.get("next") or "/"
    is_here = address.startswith("/") and not address.startswith(("//", "/\\"))
    return None if is_here else redirect("/sign-in")


def _is_ours(declared: Allowed) -> bool:
    return declared.kind in {"signed_in", "role"} or (
        declared.kind == "public" and (request.blueprint or "") in SESSION_BLUEPRINTS
    )


# What a form may send; uploads have a limit of their own.
FORM_LIMIT = 1 << 20
UPLOADS = frozenset({"uploads.create", "uploads.send", "uploads.upload_form"})
# A form with a document of a course: what that may have, and the form around it.
DOCUMENT_LIMIT = LARGEST + FORM_LIMIT
DOCUMENTS = frozenset({"documents.add"})
# Blueprints whose public routes also work with the session (the sign-in form).
SESSION_BLUEPRINTS = frozenset({"security", "account", "public"})


def wants_html() -> bool:
    """Whether the caller is a browser showing pages, not a script or another system."""
    if request.path.startswith(("/xapi", "/api/")):
        return False
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "text/html"


def error_page(error: DomainError) -> BaseResponse:
    """The error as a page, or as problem JSON for our own scripts."""
    status = status_of(error)
    if not wants_html():
        answer = Response(
            _json(problem(error)), status, mimetype="application/problem+json"
        )
    elif isinstance(error, NotSignedIn) and request.method in SAFE:
        return redirect(f"/sign-in?next={quote(request.full_path.rstrip('?'))}")
    else:
        answer = Response(_problem(status, error.detail), status, mimetype="text/html")
    for name, value in headers_of(error).items():
        if name != "WWW-Authenticate":
            answer.headers[name] = value
    return answer


def _json(value: Mapping[str, Any]) -> bytes:
    import orjson

    return orjson.dumps(value)


def _problem(status: int, detail: str, reference: str = "") -> str:
    return render(
        "problem.html",
        status=status,
        title=TITLES.get(HTTPStatus(status), "That did not work"),
        detail=detail,
        reference=reference,
    )


def _not_found(error: Any) -> BaseResponse:
    if api.is_api(request.path):
        return api.framework_problem(error)
    status = int(getattr(error, "code", 404))
    detail = (
        "The address may be mistyped, or what was here is gone."
        if status == HTTPStatus.NOT_FOUND
        else "This address does not take that kind of request."
    )
    if not wants_html():
        body = {"type": "about:blank", "status": status, "detail": detail}
        body["code"] = "not_found" if status == HTTPStatus.NOT_FOUND else "bad_method"
        answer = Response(_json(body), status, mimetype="application/problem+json")
    else:
        answer = Response(_problem(status, detail), status, mimetype="text/html")
    answer.allow.update(getattr(error, "valid_methods", None) or ())
    return answer


def _too_large(_error: Any) -> BaseResponse:
    return error_page(TooLarge("That is more than this page takes."))


def _broken(_error: Any) -> BaseResponse:
    """Nothing of the fault is told but the number under which it is in the log."""
    detail = "The fault is on our side and has been noted. Try again in a moment."
    reference = REQUEST_ID.get()
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    if not wants_html():
        body = {"type": "about:blank", "status": int(status), "code": "fault"}
        body |= {"detail": detail, "reference": reference}
        return Response(_json(body), status, mimetype="application/problem+json")
    page = render(
        "problem.html",
        status=int(status),
        title="That did not work",
        detail=detail,
        reference=reference,
        me=None,
        navigation=[],
    )
    return Response(page, status, mimetype="text/html")


def _headers(response: BaseResponse) -> BaseResponse:
    """The headers of pages; a view that set its own keeps it.

    No answer at all is to be guessed at: JSON of the run-time must never be a page.
    """
    wanted = {"X-Content-Type-Options": "nosniff"}
    if response.mimetype == "text/html":
        wanted |= HEADERS
        if "frame-ancestors" in response.headers.get("Content-Security-Policy", ""):
            # the older header cannot name who else may frame it
            del wanted["X-Frame-Options"]
    elif response.mimetype in DATA:
        wanted["Content-Security-Policy"] = DATA_POLICY
    if parts().config.portal_url.startswith("https:"):
        wanted["Strict-Transport-Security"] = ENCRYPTED
    for name, value in wanted.items():
        response.headers.setdefault(name, value)
    return response
