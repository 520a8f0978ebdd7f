"""Addresses of the player and the IRIs it gives to what it launches.

xAPI SCORM Profile, "Guidelines for Activity IRI Construction": course, unit under
the course, objectives, interactions and attempts under the unit.
"""

from urllib.parse import quote, urlsplit
from uuid import UUID

from lrs.config import Config


def player_url(config: Config, *, launch_id: UUID, token: str) -> str:
    """Our player page; it needs no sign-in, the token says it all."""
    return f"{config.portal_url}/launches/{launch_id}?token={token}"


def content_origin(config: Config, label: str) -> str:
    """The origin under which one learner sees one package version."""
    parts = urlsplit(config.content_url)
    return f"{parts.scheme}://{label}.{parts.netloc}"


def course_iri(config: Config, course_id: UUID) -> str:
    """The IRI of a course, or of a package that belongs to none."""
    return f"{config.portal_url}/activities/{course_id}"


def unit_iri(course: str, slug: str) -> str:
    """The IRI of a unit (SCO, asset) of a course."""
    return f"{course}/units/{slug}"


def attempt_iri(unit: str, attempt_id: UUID) -> str:
    """The IRI of one attempt on a unit."""
    return f"{unit}/attempts/{attempt_id}"


def objective_iri(unit: str, identifier: str) -> str:
    """The IRI of an objective local to a unit."""
    return f"{unit}/objectives/{quote(identifier, safe='')}"


def interaction_iri(unit: str, identifier: str) -> str:
    """The IRI of an interaction of a unit."""
    return f"{unit}/interactions/{quote(identifier, safe='')}"
