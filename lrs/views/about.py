"""The About Resource: which versions are spoken here.

xAPI 1.0.3 Communication 2.8; xAPI 2.0 4.1.6.7.
"""

import orjson
from flask import Response, request

from lrs.views.access import allow
from lrs.views.parameters import NoQuery, load
from lrs.views.xapi import BLUEPRINT

SPOKEN = ["1.0.0", "1.0.1", "1.0.2", "1.0.3", "2.0.0"]


@BLUEPRINT.get("/about")
@allow("public")
def about() -> Response:
    """The versions; anyone may ask, with any version header or none."""
    load(NoQuery(), request.args)
    return Response(orjson.dumps({"version": SPOKEN}), content_type="application/json")
