"""The preview of a unit: the content site in a frame of a page that records nothing.

The page plays the part of the player's: it opens the shell, hands it what a launch
would, confirms everything the unit says at once, and shows it to the author.
"""

import re
import uuid

from flask import Response, make_response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from lrs.db import reading, writing
from lrs.views.access import allow
from lrs.views.application import parts
from packages.courses import manifest_of
from player import previews
from player.views.content import SANDBOX
from player.views.frame import policy
from portal.access import roles_for
from portal.views.authoring import own_package
from portal.views.pages import clock, page_blueprint, render
from portal.views.signin import signed_in

BLUEPRINT = page_blueprint("previews")


@BLUEPRINT.post("/authoring/packages/<uuid:package_id>/previews")
@allow("role", *roles_for("packages.manage"))
def begin(package_id: uuid.UUID) -> BaseResponse:
    chosen = request.form.get("unit", "")
    unit = int(chosen) if re.fullmatch("[0-9]{1,5}", chosen) else -1
    with writing(parts().engine) as db:
        label = previews.open_preview(
            db,
            package=own_package(db, package_id),
            unit=unit,
            opened_by=str(signed_in().id),
            now=clock(),
        ).label
    return redirect(f"/authoring/previews/{label}")


@BLUEPRINT.get("/authoring/previews/<label>")
@allow("role", *roles_for("packages.manage"))
def show(label: str) -> Response:
    config = parts().config
    with reading(parts().engine) as db:
        preview = previews.get_preview(
            db, label=label, opened_by=str(signed_in().id), now=clock()
        )
        package = own_package(db, preview.package_id)
        manifest = manifest_of(package)
        unit = manifest.units[preview.unit]
        data = previews.start_data(
            config, preview=preview, unit=unit, manifest=manifest
        )
        units = [one for one in manifest.units if not one.is_external]
        place = units.index(unit)
        page = render(
            "authoring/preview.html",
            package={"id": package.id, "title": package.title or package.filename},
            unit=unit,
            units=units,
            previous=units[place - 1] if place else None,
            following=units[place + 1] if place + 1 < len(units) else None,
            standard=manifest.standard_text,
            data=data,
            sandbox=SANDBOX,
        )
    response = make_response(page)
    origin = data["content"]
    # links of the page itself go on by form, to a preview of another unit
    response.headers["Content-Security-Policy"] = policy(origin).replace(
        "form-action 'none'", "form-action 'self'"
    )
    # plain same-origin would cut off the windows that units open
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
    response.headers["Permissions-Policy"] = f'unload=(self "{origin}")'
    return response
