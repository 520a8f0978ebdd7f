"""What makes a statement of a unit illegal, by the number of the requirement.

cmi5 9 (statements), 10.2.1 (contextTemplate), 10.2.2 (launchMode). Pure: rules are data,
each with what it looks for; `player/cmi5/rules.py` asks them.
"""

from collections.abc import Callable
from typing import NamedTuple

from player.cmi5.rules_asked import (
    DURATIONS,
    MODES,
    MOVE_ON,
    SESSION,
    VERBS,
    SessionState,
    Statement,
    context_of,
    extension_of,
    ids_of,
    is_below,
    is_for_move_on,
    is_not_utc,
    is_other_actor,
    is_other_registration,
    is_wrong_mastery,
    judges_in,
    lacks_activities,
    lacks_duration,
    lacks_template,
    lists_of,
    overwrites_template,
    result_of,
    scaled_of,
    score_of,
    verb_of,
    verb_unless,
    verb_without,
)
from statements import vocabulary


class Rule(NamedTuple):
    """A requirement by its number, what is wrong, and whether a statement breaks it."""

    requirement: str
    detail: str
    is_broken: Callable[[SessionState, Statement], bool]


# of any statement, in the order in which a unit's author would look
GENERAL: tuple[Rule, ...] = (
    Rule(
        "6.3.0.0-1",
        "A unit voids no statement.",
        lambda _, one: one["verb"]["id"] == vocabulary.VOIDED,
    ),
    Rule("9.1.0.0-1", "The statement has no id.", lambda _, one: "id" not in one),
    Rule(
        "9.7.0.0-1",
        "The statement has no timestamp.",
        lambda _, one: "timestamp" not in one,
    ),
    Rule("9.7.0.0-2", "The timestamp is not in UTC.", is_not_utc),
    Rule(
        "9.2.0.0-2",
        "The actor is not an Agent.",
        lambda _, one: one["actor"].get("objectType", "Agent") != "Agent",
    ),
    Rule(
        "9.2.0.0-3",
        "The actor has no account.",
        lambda _, one: "account" not in one["actor"],
    ),
    Rule(
        "8.1.3.0-3",
        "The actor is not the one of the launch.",
        is_other_actor,
    ),
    Rule(
        "9.6.0.0-1", "The statement has no context.", lambda _, one: not context_of(one)
    ),
    Rule(
        "9.6.1.0-1",
        "The registration is not the one of the launch.",
        is_other_registration,
    ),
    Rule(
        "9.6.3.1-4",
        "The session id is missing, or not the one of the contextTemplate.",
        lambda state, one: extension_of(one, SESSION) != state.session_id,
    ),
    Rule(
        "10.2.1.0-7",
        "The context overwrites a value of the contextTemplate.",
        overwrites_template,
    ),
    Rule(
        "10.2.1.0-6",
        "The context lacks a value of the contextTemplate.",
        lacks_template,
    ),
    Rule(
        "9.6.2.0-1",
        "The contextActivities lack one of the contextTemplate.",
        lacks_activities,
    ),
)
ALLOWED_RULES: tuple[Rule, ...] = (
    Rule(
        "9.6.2.2-2",
        "Only statements that cmi5 defines have the category moveon.",
        lambda _, one: is_for_move_on(one),
    ),
)
DEFINED_RULES: tuple[Rule, ...] = (
    Rule(
        "9.6.2.1-1",
        "A unit sends the category cmi5 with the verbs that cmi5 defines for units.",
        lambda _, one: one["verb"]["id"] not in VERBS,
    ),
    Rule(
        "9.4.0.0-1",
        "The object is not an activity.",
        lambda _, one: one["object"].get("objectType", "Activity") != "Activity",
    ),
    Rule(
        "8.1.5.0-6",
        "The object is not the activity of the launch.",
        lambda state, one: one["object"]["id"] != state.activity,
    ),
    Rule(
        "9.3.2.0-3",
        "The session is initialized already.",
        lambda state, one: (
            verb_of(one) == "initialized" and "initialized" in state.said
        ),
    ),
    Rule(
        "9.3.0.0-2",
        "The session has a statement with this verb already.",
        lambda state, one: verb_of(one) in state.said,
    ),
    Rule(
        "9.3.0.0-3",
        "The session has been passed or failed already.",
        lambda state, one: (
            verb_of(one) in {"passed", "failed"}
            and not state.said.isdisjoint({"passed", "failed"})
        ),
    ),
    Rule(
        "9.3.0.0-6",
        "The unit has been completed in this registration already.",
        lambda state, one: (
            verb_of(one) == "completed" and "completed" in state.said_before
        ),
    ),
    Rule(
        "9.3.0.0-7",
        "The unit has been passed in this registration already.",
        lambda state, one: verb_of(one) == "passed" and "passed" in state.said_before,
    ),
    Rule(
        "9.3.0.0-8",
        "The unit has been passed in this registration; it cannot be failed.",
        lambda state, one: verb_of(one) == "failed" and "passed" in state.said_before,
    ),
    *(
        Rule(
            requirement,
            f"The unit was launched in mode {mode}, in which nothing is judged.",
            judges_in(mode),
        )
        for mode, requirement in MODES.items()
    ),
    Rule(
        "9.5.1.0-2",
        "Only `passed` and `failed` have a score.",
        verb_without("score", {"passed", "failed"}),
    ),
    Rule(
        "9.5.1.0-3",
        "A raw score comes with its min and max.",
        lambda _, one: (
            "raw" in score_of(one) and not {"min", "max"} <= score_of(one).keys()
        ),
    ),
    Rule(
        "9.5.1.0-1",
        "A scaled score is from 0 to 1.",
        lambda _, one: (scaled_of(one) or 0) < 0,
    ),
    Rule(
        "9.5.2.0-1",
        "`passed` has success true.",
        verb_unless("passed", "success", True),
    ),
    Rule(
        "9.5.2.0-2",
        "`failed` has success false.",
        verb_unless("failed", "success", False),
    ),
    Rule(
        "9.5.2.0-3",
        "Only `passed` and `failed` have success.",
        verb_without("success", {"passed", "failed"}),
    ),
    Rule(
        "9.5.3.0-1",
        "`completed` has completion true.",
        verb_unless("completed", "completion", True),
    ),
    Rule(
        "9.5.3.0-2",
        "Only `completed` has completion.",
        verb_without("completion", {"completed"}),
    ),
    *(
        Rule(requirement, f"`{verb}` has a duration.", lacks_duration(verb))
        for verb, requirement in DURATIONS.items()
    ),
    Rule(
        "9.6.2.2-1",
        "A result with success or completion needs the category moveon.",
        lambda _, one: (
            not result_of(one).keys().isdisjoint({"success", "completion"})
            and MOVE_ON not in ids_of(lists_of(one).get("category"))
        ),
    ),
    Rule(
        "9.6.2.2-2",
        "The category moveon is for results with success or completion.",
        lambda _, one: (
            result_of(one).keys().isdisjoint({"success", "completion"})
            and is_for_move_on(one)
        ),
    ),
    Rule(
        "9.6.3.2-2",
        "With a score, `passed` and `failed` carry the masteryScore of the launch.",
        is_wrong_mastery,
    ),
    Rule(
        "9.3.4.0-2",
        "`passed` has a score below the masteryScore.",
        lambda state, one: verb_of(one) == "passed" and is_below(state, one) is True,
    ),
    Rule(
        "9.3.5.0-2",
        "`failed` has a score that reaches the masteryScore.",
        lambda state, one: verb_of(one) == "failed" and is_below(state, one) is False,
    ),
)
