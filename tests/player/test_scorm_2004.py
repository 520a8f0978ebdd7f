"""Begin and end of a SCORM 2004 session, and what the model amounts to, as tables."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from player import cmi, scorm_2004
from player.outcomes import ALONE, Around, Interaction, Mode, Outcome
from tests.player.sample import make_unit

TABLE = cmi.elements_of("scorm_2004", edition="4th")
NEW = scorm_2004.first_values(TABLE, make_unit(0), threshold=None)
RUNNING = scorm_2004.begin(
    TABLE, NEW, mode="Normal", started=False, suspended=False, around=ALONE
)


@pytest.mark.parametrize(
    ("facts", "element", "value"),
    [
        ({"data_from_lms": "level=2"}, "cmi.launch_data", "level=2"),
        ({"completion_threshold": Decimal("0.80")}, "cmi.completion_threshold", "0.80"),
        ({"scaled_passing_score": Decimal("0.7")}, "cmi.scaled_passing_score", "0.7"),
        ({"max_time": "PT1H"}, "cmi.max_time_allowed", "PT1H"),
        (
            {"time_limit_action": "exit,message"},
            "cmi.time_limit_action",
            "exit,message",
        ),
    ],
)
def test_the_units_facts(facts: dict[str, Any], element: str, value: str) -> None:
    values = scorm_2004.first_values(TABLE, make_unit(0, **facts), threshold=None)
    assert cmi.get_value(TABLE, values, element) == (value, 0)


def test_what_is_not_said_has_no_value_and_what_is_wrong_is_left_out() -> None:
    for name in ("launch_data", "completion_threshold", "max_time_allowed"):
        assert cmi.get_value(TABLE, NEW, f"cmi.{name}") == ("", 403)
    wrong = make_unit(0, max_time="0001:00:00", time_limit_action="explode")
    assert scorm_2004.first_values(TABLE, wrong, threshold=None) == NEW


def test_a_policys_threshold_replaces_the_passing_score() -> None:
    unit = make_unit(0, scaled_passing_score=Decimal("0.5"))
    values = scorm_2004.first_values(TABLE, unit, threshold=Decimal("0.85"))
    assert values["cmi.scaled_passing_score"] == "0.85"


@pytest.mark.parametrize(
    ("mode", "credit", "name"),
    [
        ("Normal", "credit", "normal"),
        ("Browse", "no-credit", "browse"),
        ("Review", "no-credit", "review"),
    ],
)
def test_modes(mode: Mode, credit: str, name: str) -> None:
    begun = scorm_2004.begin(
        TABLE, NEW, mode=mode, started=False, suspended=False, around=ALONE
    )
    assert (begun["cmi.credit"], begun["cmi.mode"]) == (credit, name)


@pytest.mark.parametrize(
    ("started", "suspended", "entry"),
    [(False, False, "ab-initio"), (True, True, "resume"), (True, False, "")],
)
def test_a_session_begins_with_what_was_kept(
    started: bool,  # noqa: FBT001
    suspended: bool,  # noqa: FBT001
    entry: str,
) -> None:
    kept = RUNNING | {
        "cmi.suspend_data": "state",
        "cmi.exit": "suspend",
        "cmi.session_time": "PT5M",
        "adl.nav.request": "suspendAll",
        "adl.data._count": "1",
        "adl.data.0.id": "old",
    }
    begun = scorm_2004.begin(
        TABLE, kept, mode="Normal", started=started, suspended=suspended, around=ALONE
    )
    assert begun["cmi.entry"] == entry
    assert begun["cmi.suspend_data"] == "state"
    assert begun["cmi.exit"] == ""
    assert begun["adl.nav.request"] == "_none_"
    assert "cmi.session_time" not in begun
    assert "adl.data._count" not in begun
    assert scorm_2004.is_resumed(begun) is (entry == "resume")


ONLY_CONTENT = Around(
    activity={"sequencing": {"deliveryControls": {"completionSetByContent": True}}}
)


@pytest.mark.parametrize(
    ("said", "terminated", "around", "status"),
    [
        ({}, True, ALONE, "completed"),
        ({}, False, ALONE, "unknown"),
        ({}, True, ONLY_CONTENT, "unknown"),
        ({"cmi.exit": "suspend"}, True, ALONE, "unknown"),
        ({"cmi.exit": "normal"}, True, ALONE, "completed"),
        ({"adl.nav.request": "suspendAll"}, True, ALONE, "unknown"),
        ({"adl.nav.request": "abandon"}, True, ALONE, "unknown"),
        ({"cmi.completion_status": "incomplete"}, True, ALONE, "incomplete"),
        ({"cmi.completion_threshold": "0.8"}, True, ALONE, "unknown"),
        ({"cmi.mode": "browse"}, True, ALONE, "unknown"),
    ],
)
def test_a_unit_that_ends_without_a_word_is_complete(
    said: dict[str, str],
    terminated: bool,  # noqa: FBT001
    around: Around,
    status: str,
) -> None:
    done = scorm_2004.finish(
        RUNNING | said, terminated=terminated, seconds=Decimal(0), around=around
    )
    assert done["cmi.completion_status"] == status


def test_time_is_added_up() -> None:
    assert scorm_2004.session_seconds(RUNNING) is None
    ran = RUNNING | {"cmi.session_time": "P1DT1H0.25S"}
    assert scorm_2004.session_seconds(ran) == Decimal("90000.25")
    done = RUNNING
    for _ in range(2):
        done = scorm_2004.finish(
            done, terminated=True, seconds=Decimal("3600.5"), around=ALONE
        )
    assert done["cmi.total_time"] == "PT2H1S"
    assert cmi.can_hold(TABLE, "cmi.total_time", done["cmi.total_time"])


def test_an_asset_is_complete_in_normal_mode_only() -> None:
    assert scorm_2004.outcome(TABLE, scorm_2004.view_asset(RUNNING)).completion == (
        "completed"
    )
    browsed = RUNNING | {"cmi.mode": "browse"}
    assert scorm_2004.view_asset(browsed) == browsed


@pytest.mark.parametrize(
    ("said", "suspended", "asked"),
    [
        ({}, False, ""),
        ({"cmi.exit": "suspend"}, True, ""),
        ({"cmi.exit": "time-out"}, False, "exitAll"),
        ({"cmi.exit": "logout", "adl.nav.request": "continue"}, False, "exitAll"),
        ({"adl.nav.request": "suspendAll"}, True, "suspendAll"),
        ({"adl.nav.request": "continue"}, False, "continue"),
        ({"adl.nav.request": "{target=A}choice"}, False, "{target=A}choice"),
    ],
)
def test_how_a_unit_ends(said: dict[str, str], suspended: bool, asked: str) -> None:  # noqa: FBT001
    values = RUNNING | said
    assert scorm_2004.is_suspended(values) is suspended
    assert scorm_2004.request(values) == asked


@pytest.mark.parametrize(
    ("said", "completion", "success"),
    [
        ({}, "unknown", "unknown"),
        ({"completion_status": "completed"}, "completed", "unknown"),
        ({"completion_status": "not attempted"}, "incomplete", "unknown"),
        ({"success_status": "passed"}, "unknown", "passed"),
        (
            {"completion_status": "incomplete", "success_status": "failed"},
            "incomplete",
            "failed",
        ),
        # a threshold decides, whatever the content says (4.2.4.1, 4.2.22.1)
        (
            {"completion_threshold": "0.8", "progress_measure": "0.8"},
            "completed",
            "unknown",
        ),
        (
            {
                "completion_threshold": "0.8",
                "progress_measure": "0.7",
                "completion_status": "completed",
            },
            "incomplete",
            "unknown",
        ),
        (
            {"completion_threshold": "0.8", "completion_status": "completed"},
            "unknown",
            "unknown",
        ),
        ({"scaled_passing_score": "0.7", "score.scaled": "0.7"}, "unknown", "passed"),
        (
            {
                "scaled_passing_score": "0.7",
                "score.scaled": "0.69",
                "success_status": "passed",
            },
            "unknown",
            "failed",
        ),
    ],
)
def test_what_the_model_amounts_to(
    said: dict[str, str], completion: str, success: str
) -> None:
    values = RUNNING | {f"cmi.{name}": value for name, value in said.items()}
    known = scorm_2004.outcome(TABLE, values)
    assert (known.completion, known.success) == (completion, success)


def test_scores_are_as_they_are() -> None:
    said = {"scaled": "-0.5", "raw": "3", "min": "0", "max": "7"}
    values = RUNNING | {f"cmi.score.{name}": value for name, value in said.items()}
    values |= {f"cmi.objectives.0.score.{name}": value for name, value in said.items()}
    values |= {
        "cmi.objectives._count": "1",
        "cmi.objectives.0.id": "O",
        "cmi.progress_measure": "0.25",
    }
    score = {
        "scaled": Decimal("-0.5"),
        "raw": Decimal(3),
        "minimum": Decimal(0),
        "maximum": Decimal(7),
    }
    known = scorm_2004.outcome(TABLE, values)
    assert known == Outcome(**score, progress=Decimal("0.25"))
    assert scorm_2004.objective(TABLE, values, "0") == Outcome(**score)


@pytest.mark.parametrize(
    ("account", "expected"), [("p-1", "p-1"), ("with blank", None), ("", None)]
)
def test_the_learner(account: str, expected: str | None) -> None:
    values = scorm_2004.learner(TABLE, account, "mbox:a", "Learner, Sample")
    assert values["cmi.learner_name"] == "Learner, Sample"
    if expected is None:
        assert len(values["cmi.learner_id"]) == 32
    else:
        assert values["cmi.learner_id"] == expected


PREFIX = "cmi.interactions.0."
ASKED = {
    "id": "urn:q:1",
    "type": "matching",
    "learner_response": "1[.]a[,]2[.]b",
    "correct_responses._count": "2",
    "correct_responses.0.pattern": "1[.]a",
    "correct_responses.1.pattern": "1[.]b",
    "latency": "PT1M0.5S",
    "description": "{lang=fr}Quoi?",
}


@pytest.mark.parametrize(
    ("result", "success", "score"),
    [
        ("correct", True, None),
        ("incorrect", False, None),
        ("unanticipated", False, None),
        ("neutral", None, None),
        ("2.5", None, Decimal("2.5")),
        (None, None, None),
    ],
)
def test_an_interaction(
    result: str | None,
    success: bool | None,  # noqa: FBT001
    score: Decimal | None,
) -> None:
    row = ASKED | ({} if result is None else {"result": result})
    values = {f"{PREFIX}{name}": value for name, value in row.items()}
    assert scorm_2004.interaction(values, "0") == Interaction(
        identifier="urn:q:1",
        kind="matching",
        response="1[.]a[,]2[.]b",
        patterns=("1[.]a", "1[.]b"),
        success=success,
        score=score,
        seconds=Decimal("60.5"),
        description="Quoi?",
        language="fr",
    )
    assert scorm_2004.interaction({f"{PREFIX}id": "q"}, "0") is None
    assert scorm_2004.interaction({f"{PREFIX}learner_response": "a"}, "0") is None


def test_comments_that_are_new_or_changed() -> None:
    values = {
        "cmi.comments_from_learner.0.comment": "{lang=en-GB}Good",
        "cmi.comments_from_learner.1.comment": "old",
        "cmi.comments_from_learner.2.comment": "",
    }
    changed = [(name, value) for name, value in values.items() if ".1." not in name]
    changed.append(("cmi.comments_from_learner.1.location", "page"))
    assert scorm_2004.comments(values, changed) == {"0": "Good"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", ("plain", "und")),
        ("{lang=en}text", ("text", "en")),
        ("{lang=}text", ("text", "und")),
        ("{lang=en", ("{lang=en", "und")),
        ("", ("", "und")),
    ],
)
def test_localized(text: str, expected: tuple[str, str]) -> None:
    assert scorm_2004.localized(text) == expected
