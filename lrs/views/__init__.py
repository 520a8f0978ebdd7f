"""The record store's web surface.

`XAPI` answers below /xapi, `BLUEPRINTS` everywhere else; together they are a record
store that stands alone.
"""

from lrs.views import (
    about,
    documents,
    manage,
    oauth,
    openapi,
    operations,
    statements,
    xapi,
)
from lrs.views.application import parts

__all__ = ["BLUEPRINTS", "XAPI", "about", "documents", "parts", "statements"]

XAPI = (xapi.BLUEPRINT, oauth.BLUEPRINT)
BLUEPRINTS = (
    operations.BLUEPRINT,
    manage.BLUEPRINT,
    openapi.BLUEPRINT,
    oauth.METADATA,
)
