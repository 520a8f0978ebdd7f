"""The record store as one application, without portal, player and packages."""

from flask import Flask

from lrs.parts import Parts
from lrs.server import prepare
from lrs.views import BLUEPRINTS, XAPI
from lrs.views.express import StoreApp


def create_app(parts: Parts) -> Flask:
    """Everything that the record store answers: /xapi, its management, health."""
    app = StoreApp("lrs", static_folder=None)
    app.extensions["rollcall"] = parts
    prepare(app)
    for blueprint in (*XAPI, *BLUEPRINTS):
        app.register_blueprint(blueprint)
    return app
