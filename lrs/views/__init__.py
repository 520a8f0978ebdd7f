"""The record store's web surface."""

from lrs.views import about, operations, statements, xapi
from lrs.views.application import parts

__all__ = ["BLUEPRINTS", "about", "parts", "statements"]

BLUEPRINTS = (xapi.BLUEPRINT, operations.BLUEPRINT)
