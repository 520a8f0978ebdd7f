"""The portal's pages."""

import functools
from collections.abc import Callable
from typing import Any, cast

from flask import Flask

from lrs.parts import Parts
from lrs.views.access import allow
from lrs.views.application import parts
from portal.users import actor_of
from portal.views import (
    account,
    admin,
    assets,
    authoring,
    certificates,
    courses,
    credentials,
    documents,
    launches,
    learning,
    managers,
    previews,
    signin,
    statements,
    uploads,
    versions,
)
from portal.views.pages import prepare_pages

BLUEPRINTS = (
    account.BLUEPRINT,
    admin.BLUEPRINT,
    assets.BLUEPRINT,
    authoring.BLUEPRINT,
    certificates.BLUEPRINT,
    courses.BLUEPRINT,
    credentials.BLUEPRINT,
    documents.BLUEPRINT,
    launches.BLUEPRINT,
    learning.BLUEPRINT,
    managers.BLUEPRINT,
    previews.BLUEPRINT,
    statements.BLUEPRINT,
    uploads.BLUEPRINT,
    versions.BLUEPRINT,
)


def prepare(app: Flask) -> None:
    """Sessions, sign-in, guards and errors on the portal application."""
    signin.set_up(app, cast("Parts", app.extensions["rollcall"]).config)
    for endpoint, view in list(app.view_functions.items()):
        if endpoint.startswith("security."):
            app.view_functions[endpoint] = _declared(view)
    prepare_pages(app)
    app.extensions["rollcall_actor"] = _signed_in_actor


def _signed_in_actor() -> dict[str, Any] | None:
    """The signed-in person as the player knows them, to renew an expired launch."""
    if not signin.is_signed_in():
        return None
    return actor_of(signin.signed_in().id, portal_url=parts().config.portal_url)


def _declared(view: Callable[..., Any]) -> Callable[..., Any]:
    """Flask-Security's own view, open to all: it checks what it needs by itself."""

    @allow("public")
    @functools.wraps(view)
    def declared(*args: Any, **values: Any) -> Any:
        return view(*args, **values)

    return declared
