"""Our own files, and those parts of the U.S. Web Design System that pages use."""

import re
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory

from lrs.views.access import allow
from portal.views.pages import STATIC
from statements.errors import NotFound

BLUEPRINT = Blueprint("assets", __name__)
USWDS = Path(__file__).parents[2] / "node_modules" / "@uswds" / "uswds" / "dist"
OURS = re.compile(r"[a-z_-]+\.(css|js|svg)")
THEIRS = re.compile(
    r"css/uswds\.min\.css"
    r"|js/uswds(-init)?\.min\.js"
    r"|img/(sprite\.svg|usa-icons/[a-z0-9_]+\.svg|[a-z0-9-]+\.svg)"
    r"|fonts/(public-sans|merriweather|roboto-mono|source-sans-pro)/[A-Za-z0-9-]+\.woff2"
)


@BLUEPRINT.get("/assets/portal/<name>")
@allow("public")
def ours(name: str) -> Response:
    if not OURS.fullmatch(name):
        raise NotFound
    return _file(STATIC, name, kept="v" in request.args)


@BLUEPRINT.get("/assets/uswds/<path:name>")
@allow("public")
def uswds(name: str) -> Response:
    if not THEIRS.fullmatch(name):
        raise NotFound
    return _file(USWDS, name, kept=False)


def _file(folder: Path, name: str, *, kept: bool) -> Response:
    if not (folder / name).is_file():
        raise NotFound
    response = send_from_directory(folder, name, conditional=True)
    if kept:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response.headers["Cache-Control"] = "public, max-age=86400"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
