"""The importer's web surface: the management API of packages."""

from flask import Blueprint

from packages.views import manage, uploads

BLUEPRINTS: tuple[Blueprint, ...] = (manage.BLUEPRINT, uploads.BLUEPRINT)
