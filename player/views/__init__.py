"""The player's web surface on the portal's host; content.py is an application apart."""

from flask import Blueprint

from player.views import cmi5, frame, hacp, history, manage, runtime

BLUEPRINTS: tuple[Blueprint, ...] = (
    frame.BLUEPRINT,
    runtime.BLUEPRINT,
    manage.BLUEPRINT,
    history.BLUEPRINT,
    cmi5.BLUEPRINT,
    hacp.BLUEPRINT,
)
