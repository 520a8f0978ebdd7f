"""What rules read of a statement and of a session."""

from __future__ import annotations

from decimal import Decimal

import pytest

from player.cmi5 import rules_asked
from tests.player.cmi5.said import ALLOWED, CMI5, MOVE_ON, SESSION, says, session


@pytest.mark.parametrize(
    ("requirement", "section"),
    [
        ("9.3.0.0-4", "cmi5 9.3"),
        ("9.3.2.0-3", "cmi5 9.3.2"),
        ("9.5.4.1-1", "cmi5 9.5.4"),
        ("11.0.0.0-3", "cmi5 11"),
        ("10.2.1.0-5", "cmi5 10.2.1"),
    ],
)
def test_a_refusal_names_its_section(requirement: str, section: str) -> None:
    error = rules_asked.refused(requirement, "No.", path="$")
    assert error.extra == {
        "requirement": requirement,
        "section": section,
        "path": "$",
    }


def test_the_category_makes_a_statement_one_that_cmi5_defines() -> None:
    said = says("completed")
    assert rules_asked.is_cmi5_defined(said)
    said["context"]["contextActivities"]["category"] = dict(CMI5)
    assert rules_asked.is_cmi5_defined(said)
    said["context"]["contextActivities"]["category"] = [dict(MOVE_ON)]
    assert not rules_asked.is_cmi5_defined(said)
    del said["context"]
    assert not rules_asked.is_cmi5_defined(said)


def test_verbs_by_their_short_names() -> None:
    assert rules_asked.verb_of(says("passed")) == "passed"
    assert rules_asked.verb_of(says(ALLOWED)) == ALLOWED
    assert rules_asked.extension_of(says("passed"), SESSION)
    assert rules_asked.extension_of({}, SESSION) is None


def test_a_session_without_launch_data_of_its_own() -> None:
    state = session(launch_data={})
    assert (state.mode, state.mastery, state.template) == ("Normal", None, {})
    assert session().mastery == Decimal("0.8")
