"""The portal's pages."""

import functools
from collections.abc import Callable
from typing import Any, cast

from flask import Flask

from lrs.parts import Parts
from lrs.views.access import allow
from portal.views import (
    account,
    admin,
    assets,
    authoring,
    certificates,
    learning,
    managers,
    signin,
    statements,
)
from portal.views.pages import prepare_pages

BLUEPRINTS = (
    account.BLUEPRINT,
    admin.BLUEPRINT,
    assets.BLUEPRINT,
    authoring.BLUEPRINT,
    certificates.BLUEPRINT,
    learning.BLUEPRINT,
    managers.BLUEPRINT,
    statements.BLUEPRINT,
)


def prepare(app: Flask) -> None:
    """Sessions, sign-in, guards and errors on the portal application."""
    parts = cast("Parts", app.extensions["rollcall"])
    signin.set_up(app, parts.config)
    for endpoint, view in list(app.view_functions.items()):
        if endpoint.startswith("security."):
            app.view_functions[endpoint] = _declared(view)
    prepare_pages(app)


def _declared(view: Callable[..., Any]) -> Callable[..., Any]:
    """Flask-Security's own view, open to all: it checks what it needs by itself."""

    @allow("public")
    @functools.wraps(view)
    def declared(*args: Any, **values: Any) -> Any:
        return view(*args, **values)

    return declared
