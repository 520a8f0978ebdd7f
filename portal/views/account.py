"""The start page, and the person's own profile."""

from flask import redirect
from werkzeug.wrappers import Response

from lrs.views.access import allow
from portal.access import POSITIONS, ROLES
from portal.views.pages import home_of, page_blueprint, render
from portal.views.signin import is_signed_in, signed_in

BLUEPRINT = page_blueprint("account")


@BLUEPRINT.get("/")
@allow("public")
def start() -> str | Response:
    if is_signed_in():
        return redirect(home_of(signed_in().principal))
    return render("welcome.html")


@BLUEPRINT.get("/account")
@allow("signed_in")
def profile() -> str:
    names = [label for role, label in ROLES.items() if role in signed_in().role_names]
    return render("account/profile.html", positions=POSITIONS, roles=names)
