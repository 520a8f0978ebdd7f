"""The portal's pages."""

from typing import cast

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
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith("security."):
            allow("public")(view)
    prepare_pages(app)
