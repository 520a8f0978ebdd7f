"""IRIs of courses, units and what lies inside them."""

from uuid import UUID

from lrs.config import Config
from packages.iris import course_iri, interaction_iri, objective_iri, unit_iri


def test_iris_nest(config: Config) -> None:
    course = course_iri(config, UUID(int=7))
    unit = unit_iri(course, "lesson-1")
    assert course == f"{config.portal_url}/activities/{UUID(int=7)}"
    assert unit == f"{course}/units/lesson-1"
    assert objective_iri(unit, "a/b ü") == f"{unit}/objectives/a%2Fb%20%C3%BC"
    assert interaction_iri(unit, "q#1") == f"{unit}/interactions/q%231"
