"""What checks of requirements share: their registry, and how a story is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrs.db import reading
from player.cmi5.tables import Cmi5Session
from statements import vocabulary
from tests.player.cmi5.story import Story, send
from tests.player.cmi5.wrong import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.player.cmi5.unit import Unit

    Check = Callable[[Story], None]

CHECKS: dict[str, Check] = {}
BLOCK_TYPE = vocabulary.activity_type("cmi5_block")
COURSE_TYPE = vocabulary.activity_type("cmi5_course")
LAUNCH_DATA, PREFERENCES = "LMS.LaunchData", "cmi5LearnerPreferences"
GOOD = {"languagePreference": "en-US,fr-FR", "audioPreference": "on"}


def of(*numbers: str) -> Callable[[Check], Check]:
    """Name the requirements that a check is for."""

    def keep(check: Check) -> Check:
        for number in numbers:
            assert number not in CHECKS, number
            CHECKS[number] = check
        return check

    return keep


def context_of(statement: dict[str, Any], extension: str) -> Any:
    """The value of an extension of the context."""
    return statement["context"]["extensions"].get(vocabulary.extension(extension))


def own(story: Story) -> list[dict[str, Any]]:
    """The statements of the launching system itself."""
    return [
        one for one in story.told() if one["authority"]["account"]["name"] == "player"
    ]


def launched(story: Story, unit: str = "first") -> dict[str, Any]:
    """The statement `launched` of a unit's session."""
    session = str(story.units[unit].launch_id)
    (found,) = [
        one
        for one in story.said("launched")
        if context_of(one, "cmi5_session") == session
    ]
    return found


def data(story: Story) -> dict[str, Any]:
    """The launch data of the first unit."""
    found: dict[str, Any] = story.answers["data"].json
    return found


def categories(statement: dict[str, Any]) -> set[str]:
    return {one["id"] for one in statement["context"]["contextActivities"]["category"]}


def groupings(statement: dict[str, Any]) -> set[str]:
    return {one["id"] for one in statement["context"]["contextActivities"]["grouping"]}


def session_of(story: Story, unit: Unit) -> Cmi5Session:
    with reading(story.lms.parts.engine) as db:
        found = db.get_one(Cmi5Session, unit.launch_id)
        db.expunge(found)
        return found


def about(statement: dict[str, Any]) -> str:
    """The name of a statement's activity."""
    (name,) = statement["object"]["definition"]["name"].values()
    return str(name)


def is_satisfied(statement: dict[str, Any]) -> bool:
    return bool(statement["verb"]["id"] == vocabulary.verb("satisfied"))


def is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["id"] == other["id"])


def refusals(manifest: Any) -> set[str]:
    """The codes of what keeps a package out."""
    return {one.code for one in manifest.findings if one.severity == "error"}


def refuse(story: Story, wrong: Wrong) -> None:
    """The statement is refused with 403 and a reason, and nothing of it is stored."""
    unit = story.ready(wrong.said, wrong.earlier, wrong.mode)
    before = story.told(unit.registration)
    answer = send(unit, wrong.verb, wrong.change)
    assert answer.status_code == 403, answer.text
    assert answer.json["detail"]
    if wrong.rule:
        assert answer.json["requirement"] == wrong.rule
    assert story.told(unit.registration) == before


def refusing(cases: list[Wrong]) -> Check:
    def check(story: Story) -> None:
        for wrong in cases:
            refuse(story, wrong)

    return check
