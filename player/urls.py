"""Addresses of the player, and the IRIs of what it launches.

Course, units and their parts are named in `packages.iris`; attempts stand under units.
"""

import re
from urllib.parse import urlsplit
from uuid import UUID

from lrs.config import Config
from packages.iris import course_iri, interaction_iri, objective_iri, unit_iri

__all__ = [
    "attempt_iri",
    "content_origin",
    "course_iri",
    "interaction_iri",
    "objective_iri",
    "player_url",
    "unit_iri",
    "web_address",
]


def player_url(config: Config, *, launch_id: UUID, token: str) -> str:
    """Our player page; it needs no sign-in, the token says it all."""
    return f"{config.portal_url}/launches/{launch_id}?token={token}"


def content_origin(config: Config, label: str) -> str:
    """The origin under which one learner sees one package version."""
    parts = urlsplit(config.content_url)
    return f"{parts.scheme}://{label}.{parts.netloc}"


def attempt_iri(unit: str, attempt_id: UUID) -> str:
    """The IRI of one attempt on a unit."""
    return f"{unit}/attempts/{attempt_id}"


def web_address(url: str) -> str:
    """The address if a browser may go there, else nothing (`javascript:` and kin)."""
    try:
        given = urlsplit(url)
    except ValueError:
        return ""
    if given.scheme in {"http", "https"} and given.netloc:
        return url
    # browsers read a backslash as a slash and overlook tabs
    return url if re.fullmatch(r"/(?![/\\])[!-~]*", url) else ""
