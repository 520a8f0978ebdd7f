"""IRIs of what packages hold, as statements name them.

xAPI SCORM Profile, "Guidelines for Activity IRI Construction": course, unit under the
course, objectives and interactions under the unit.
"""

from urllib.parse import quote
from uuid import UUID

from lrs.config import Config


def course_iri(config: Config, course_id: UUID) -> str:
    """The IRI of a course, or of a package that belongs to none."""
    return f"{config.portal_url}/activities/{course_id}"


def unit_iri(course: str, slug: str) -> str:
    """The IRI of a unit (SCO, asset) of a course."""
    return f"{course}/units/{slug}"


def objective_iri(unit: str, identifier: str) -> str:
    """The IRI of an objective local to a unit."""
    return f"{unit}/objectives/{quote(identifier, safe='')}"


def interaction_iri(unit: str, identifier: str) -> str:
    """The IRI of an interaction of a unit."""
    return f"{unit}/interactions/{quote(identifier, safe='')}"
