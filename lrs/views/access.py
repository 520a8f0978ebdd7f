"""Who may call a route: declared at the route, enforced before it runs.

Every view carries `@allow(…)`. Five kinds: `public`, `credential` (with a scope),
`launch` (a launch token), `signed_in` and `role` (one of the roles named). A floor
registers the guard that enforces its kinds with `set_guard`; a route without a
declaration, or of a kind without a guard, is refused. A test walks all routes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from flask import Flask, current_app, request

from statements.errors import Forbidden

KINDS = frozenset({"public", "credential", "launch", "signed_in", "role"})

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Allowed:
    """A route's declaration: its kind, the roles or none, the scope or none.

    `presumes`: the view's own command asks the database whether what is remembered of
    the caller still stands, and the view answers only if it does.
    """

    kind: str
    names: frozenset[str] = frozenset()
    scope: str = ""
    presumes: bool = False


Guard = Callable[[Allowed], None]


class Undeclared(Forbidden):
    """This address does not say who may use it, so nobody may."""


def allow(
    kind: str, *names: str, scope: str = "", presumes: bool = False
) -> Callable[[View], View]:
    """Declare who may call a view; put it right above the function."""
    if kind not in KINDS or (kind == "role") != bool(names):
        message = f"{kind!r} with {names!r} declares nothing"
        raise ValueError(message)
    declared = Allowed(kind, frozenset(names), scope, presumes)

    def mark(view: View) -> View:
        view.allowed = declared  # type: ignore[attr-defined]
        return view

    return mark


def allowed_of(app: Flask, endpoint: str) -> Allowed | None:
    """What the view of an endpoint declares."""
    view = app.view_functions.get(endpoint)
    return cast("Allowed | None", getattr(view, "allowed", None))


def set_guard(app: Flask, kind: str, guard: Guard) -> None:
    """Let `guard` enforce a kind: it returns, or raises a DomainError."""
    guards = app.extensions.setdefault("rollcall_guards", {})
    if not guards:
        app.before_request(_check)
    guards[kind] = guard


def _check() -> None:
    """Enforce the declaration of the route at hand; unknown addresses go on to 404.

    What Flask itself answers to OPTIONS tells nothing, and browsers ask it without
    credentials before a call from another site.
    """
    if request.endpoint is None or _is_automatic_options():
        return
    declared = allowed_of(current_app, request.endpoint)
    if declared is None:
        raise Undeclared
    if declared.kind == "public":
        return
    guard = current_app.extensions["rollcall_guards"].get(declared.kind)
    if guard is None:
        raise Undeclared
    guard(declared)


def _is_automatic_options() -> bool:
    """Whether Flask itself answers, with the methods of the route and nothing else."""
    rule = request.url_rule
    automatic = bool(
        rule is not None and getattr(rule, "provide_automatic_options", False)
    )
    return request.method == "OPTIONS" and automatic
