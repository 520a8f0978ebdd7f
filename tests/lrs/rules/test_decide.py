"""records.md parts 1, 2, 5 and 6, as far as the rules decide: one row, one test."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from lrs.rules.decide import first_of_each
from lrs.rules.facts import RoleTerms, UnitTerms
from lrs.rules.policy import Rules, load_policies, policy_book
from lrs.rules.terms import start_of_day
from tests.lrs.rules.builders import (
    COURSE,
    LESSON,
    OFFER,
    POSTTEST,
    PRETEST,
    SHAPE,
    at,
    decided,
    rules,
    said,
    whole_way,
)

HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
ZONES = (
    "America/Los_Angeles",
    "America/New_York",
    "America/Phoenix",
    "Pacific/Honolulu",
    "UTC",
    "Asia/Kathmandu",
)
START = at("2026-02-01T10:00:00")


def codes(decision: Any) -> list[str]:
    return [one.code for one in decision.reasons]


def with_score(text: str) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """The whole way, with this text as the score object of the post-test."""

    way = whole_way(START)
    raw = orjson.dumps(way[4]).replace(b'{"scaled":0.9}', text.encode())
    assert text.encode() in raw
    way[4]["result"]["score"] = orjson.loads(text)
    return way, {way[4]["id"]: raw}


@pytest.mark.parametrize(
    ("score", "outcome", "scaled"),
    [
        ('{"scaled":0.80}', "complete", "0.8000000"),
        ('{"scaled":0.8}', "complete", "0.8000000"),
        ('{"scaled":8e-1}', "complete", "0.8000000"),
        ('{"scaled":0.79999999999}', "complete", "0.8000000"),
        ('{"scaled":0.79999995}', "complete", "0.8000000"),
        ('{"scaled":0.79999994}', "incomplete", None),
        ('{"scaled":0.7999999}', "incomplete", None),
        ('{"scaled":0.7999}', "incomplete", None),
        ('{"scaled":0.79}', "incomplete", None),
        ('{"scaled":1}', "complete", "1.0000000"),
        ('{"scaled":-1}', "incomplete", None),
        # scaled wins over raw
        ('{"scaled":0.79,"raw":100,"min":0,"max":100}', "incomplete", None),
        ('{"scaled":0.80,"raw":10,"min":0,"max":100}', "complete", "0.8000000"),
        # else raw between min and max; without min from 0
        ('{"raw":80,"min":0,"max":100}', "complete", "0.8000000"),
        ('{"raw":79,"min":0,"max":100}', "incomplete", None),
        ('{"raw":80,"max":100}', "complete", "0.8000000"),
        ('{"raw":9,"min":5,"max":10}', "complete", "0.8000000"),
        ('{"raw":8.99999,"min":5,"max":10}', "incomplete", None),
        ('{"raw":2,"min":0,"max":3}', "incomplete", None),
        # raw alone cannot be used, nor points outside their range
        ('{"raw":95}', "incomplete", None),
        ('{"raw":95,"min":0}', "incomplete", None),
        ('{"raw":5,"min":5,"max":5}', "incomplete", None),
    ],
)
def test_80_percent_as_an_exact_decimal(
    score: str, outcome: str, scaled: str | None
) -> None:
    way, raws = with_score(score)
    decision = decided(way, raws=raws)
    assert decision.outcome == outcome
    found = None if decision.scaled is None else str(decision.scaled)
    assert found == scaled


def test_raw_without_max_says_so() -> None:
    way, raws = with_score('{"raw":95}')
    (reason,) = decided(way, raws=raws).reasons
    assert (reason.code, reason.values["problem"]) == ("score_unusable", "no_max")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("after", "outcome", "policy_from"),
    [
        # no gates before 2023, all of them since
        (-MICROSECOND, "complete", date(2010, 1, 1)),
        (timedelta(0), "incomplete", date(2023, 1, 1)),
        (MICROSECOND, "incomplete", date(2023, 1, 1)),
    ],
)
def test_the_completion_instant_picks_the_rule(
    zone: str, after: timedelta, outcome: str, policy_from: date
) -> None:
    moment = start_of_day(date(2023, 1, 1), zone) + after
    # registered and begun right at the end, so that both sides lie in one session
    way = [
        said("registered", COURSE, moment),
        *[said("completed", unit, moment) for unit in (PRETEST, LESSON, POSTTEST)],
    ]
    decision = decided(way, rules(replace(OFFER, zone=zone)))
    assert (decision.outcome, decision.policy_from) == (outcome, policy_from)


def test_a_rule_that_changes_judges_nothing_older_anew() -> None:
    old = whole_way(at("2022-06-01T10:00:00"))[:4]
    later = said("failed", POSTTEST, at("2022-07-01T10:00:00"), score={"scaled": 0.1})
    assert decided([*old, later]).outcome == "complete"


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("before", "outcome", "term"),
    [(MICROSECOND, "complete", "2025"), (timedelta(0), "incomplete", "2025")],
)
def test_the_zone_of_the_term_ends_its_last_day(
    zone: str, before: timedelta, outcome: str, term: str
) -> None:
    new_year = start_of_day(date(2026, 1, 1), zone)
    way = whole_way(at("2025-11-01T10:00:00"))
    way[4]["timestamp"] = (new_year - before).isoformat()
    way[5]["timestamp"] = new_year.isoformat()
    decision = decided(way, rules(replace(OFFER, zone=zone)))
    assert decision.outcome == outcome
    assert decision.term is not None
    assert decision.term.id == term
    if outcome == "incomplete":
        assert codes(decision) == ["after_term"]


@pytest.mark.parametrize(
    "attested", ["2026-01-01T12:00:00", "2026-03-15T12:00:00", "2029-01-01T00:00:00"]
)
def test_attestation_has_no_deadline(attested: str) -> None:
    way = whole_way(at("2025-12-31T10:00:00"), attested=at(attested))
    decision = decided(way)
    assert decision.outcome == "complete"
    assert decision.at == at("2025-12-31T13:00:00")
    assert decision.ready_at == at(attested)
    assert decision.term is not None
    assert decision.term.id == "2025"
    assert decision.credit is not None
    assert decision.credit.cycle == "cpt-2025"


def test_the_certificate_waits_for_the_attestation() -> None:
    decision = decided(whole_way(START)[:5])
    assert decision.outcome == "awaiting_attestation"
    assert decision.at == START + 3 * HOUR
    assert decision.ready_at is None
    assert decision.credit is None
    assert codes(decision) == ["attestation_missing"]


def test_attesting_before_finishing_does_not_count() -> None:
    way = whole_way(START, attested=START + HOUR)
    decision = decided(way)
    assert decision.outcome == "awaiting_attestation"
    assert decision.reasons[0].values["early"] == "1"
    again = said("attested", COURSE, START + 5 * HOUR)
    assert decided([*way, again]).ready_at == START + 5 * HOUR


def test_the_first_attempt_that_qualifies_counts() -> None:
    way = whole_way(START, scaled="0.5")
    tries = [
        said("passed", POSTTEST, START + (5 + n) * HOUR, score={"scaled": scaled})
        for n, scaled in enumerate((0.79, 0.85, 1.0))
    ]
    attested = said("attested", COURSE, START + 9 * HOUR)
    decision = decided([*way, *tries, attested])
    assert decision.at == START + 6 * HOUR
    assert decision.scaled == Decimal("0.85")
    assert uuid.UUID(tries[1]["id"]) in decision.evidence
    assert uuid.UUID(tries[2]["id"]) not in decision.evidence


def test_the_score_of_a_failed_try_that_finished_the_part_is_not_the_result() -> None:
    # the first try completes the part with 79%, the second passes it with 80%
    way = whole_way(START, scaled="0.8")
    posttest = way[4]
    first = said(
        "completed",
        POSTTEST,
        START + HOUR / 2,
        score={"scaled": 0.79},
        result={"completion": True, "success": False},
    )
    decision = decided([*way, first])
    assert decision.outcome == "complete"
    assert decision.scaled == Decimal("0.8")
    assert {uuid.UUID(first["id"]), uuid.UUID(posttest["id"])} <= set(decision.evidence)


def test_a_failure_after_passing_takes_nothing_away() -> None:
    later = said("failed", POSTTEST, START + 9 * HOUR, score={"scaled": 0.1})
    assert decided([*whole_way(START), later]).outcome == "complete"


def test_package_mastery_70_policy_80() -> None:
    # the package says passed; the policy decides
    way = whole_way(START, scaled="0.7")
    assert way[4]["verb"]["id"].endswith("passed")
    assert codes(decided(way)) == ["score_below"]
    # and the other way round: the package says failed at 85%
    way = whole_way(START, scaled="0.85")
    way[4]["verb"]["id"] = way[4]["verb"]["id"].replace("passed", "failed")
    assert decided(way).outcome == "complete"


def test_completed_without_score_and_passed_without_score_are_told() -> None:
    way = whole_way(START)
    del way[4]["result"]
    assert codes(decided(way)) == ["score_missing"]


def test_a_score_without_status_is_a_score() -> None:
    way = whole_way(START)
    way[4]["verb"]["id"] = way[4]["verb"]["id"].replace("passed", "scored")
    assert decided(way).outcome == "complete"
    # but it completes no unit
    assert codes(decided([one for one in way if one is not way[3]])) == ["unit_missing"]


@pytest.mark.parametrize("verb", ["suspended", "terminated"])
def test_content_that_always_suspends_earns_credit_too(verb: str) -> None:
    done = {"completion": True, "success": True}
    way = [
        said("registered", COURSE, START),
        said(verb, PRETEST, START + HOUR, result=done),
        said(verb, LESSON, START + HOUR, result=done),
        said(verb, POSTTEST, START + HOUR, result=done, score={"scaled": 0.8}),
        said("attested", COURSE, START + 2 * HOUR),
    ]
    assert decided(way).outcome == "complete"


def test_the_score_of_progressed_is_never_a_result() -> None:
    way = whole_way(START)
    way[4]["verb"]["id"] = way[4]["verb"]["id"].replace("passed", "progressed")
    assert codes(decided(way)) == ["score_missing"]


@pytest.mark.parametrize("verb", ["satisfied", "waived"])
def test_satisfied_and_waived_earn_nothing(verb: str) -> None:
    done = {"completion": True, "success": True}
    way = whole_way(START)
    way[2] = said(verb, LESSON, START + 2 * HOUR, result=done)
    way[4] = said(verb, POSTTEST, START + 3 * HOUR, result=done, score={"scaled": 1})
    assert sorted(codes(decided(way))) == ["score_missing", "unit_missing"]


@pytest.mark.parametrize("mode", ["Browse", "Review"])
def test_browsing_and_reviewing_earn_nothing(mode: str) -> None:
    way = whole_way(START)
    way[4] = said(
        "passed",
        POSTTEST,
        START + 3 * HOUR,
        score={"scaled": 1},
        extensions={"cmi5_launch_mode": mode},
    )
    assert codes(decided(way)) == ["score_missing"]


def test_an_explicit_false_contradicts_the_verb() -> None:
    way = whole_way(START)
    way[2]["result"] = {"completion": False}
    assert codes(decided(way)) == ["unit_missing"]


def test_every_unit_is_needed_and_every_missing_one_is_named() -> None:
    way = whole_way(START)
    decision = decided([way[0], way[3], way[4], way[5]])
    assert [one.values["unit"] for one in decision.reasons] == ["Pre-test", "Lesson 1"]


def test_an_optional_unit_is_not_needed() -> None:
    units = (*SHAPE.units, UnitTerms(f"{COURSE}/units/more", "More", required=False))
    assert decided(whole_way(START), shape=replace(SHAPE, units=units)).outcome == (
        "complete"
    )


@pytest.mark.parametrize(
    ("move_on", "verbs", "outcome"),
    [
        ("Completed", ["completed"], "complete"),
        ("Completed", ["passed"], "incomplete"),
        ("Passed", ["passed"], "complete"),
        ("Passed", ["completed"], "incomplete"),
        ("CompletedOrPassed", ["completed"], "complete"),
        ("CompletedOrPassed", ["passed"], "complete"),
        ("CompletedOrPassed", ["failed"], "incomplete"),
        ("CompletedAndPassed", ["completed"], "incomplete"),
        ("CompletedAndPassed", ["passed"], "incomplete"),
        ("CompletedAndPassed", ["completed", "passed"], "complete"),
        ("NotApplicable", [], "complete"),
    ],
)
def test_a_unit_is_done_by_its_move_on(
    move_on: str, verbs: list[str], outcome: str
) -> None:
    way = whole_way(START)
    units = (
        SHAPE.units[0],
        UnitTerms(LESSON, "Lesson 1", move_on=move_on),
        SHAPE.units[2],
    )
    way[2:3] = [said(verb, LESSON, START + 2 * HOUR) for verb in verbs]
    assert decided(way, shape=replace(SHAPE, units=units)).outcome == outcome


@pytest.mark.parametrize(
    ("verbs", "missing"),
    [
        ([], ["not_passed", "unit_missing"]),
        (["completed"], ["not_passed"]),
        (["passed"], ["unit_missing"]),
    ],
)
def test_a_unit_to_be_completed_and_passed_tells_which_is_left(
    verbs: list[str], missing: list[str]
) -> None:
    way = whole_way(START)
    units = (
        SHAPE.units[0],
        UnitTerms(LESSON, "Lesson 1", move_on="CompletedAndPassed"),
        SHAPE.units[2],
    )
    way[2:3] = [said(verb, LESSON, START + 2 * HOUR) for verb in verbs]
    assert sorted(codes(decided(way, shape=replace(SHAPE, units=units)))) == missing


def test_a_course_without_units_is_completed_as_a_whole() -> None:
    shape = replace(SHAPE, units=(), roles=())
    offer = rules(policy="post.credit")
    way = [said("completed", COURSE, START)]
    assert decided(way, offer, shape=shape).outcome == "complete"
    # where units are known, the word of the course alone is not enough
    assert decided(way, offer).outcome == "incomplete"


def test_a_course_of_units_that_need_nothing_earns_nothing() -> None:
    units = (UnitTerms(LESSON, "Lesson 1", move_on="NotApplicable"),)
    shape = replace(SHAPE, units=units)
    decision = decided(whole_way(START), rules(policy="post.credit"), shape=shape)
    assert codes(decision) == ["nothing_required"]


def test_a_test_that_nobody_confirmed_is_no_post_test() -> None:
    roles = (RoleTerms(POSTTEST, "posttest", "Post-test", confirmed=False),)
    decision = decided(whole_way(START), shape=replace(SHAPE, roles=roles))
    assert codes(decision) == ["role_missing"]


def test_the_score_of_the_pretest_is_no_result() -> None:
    way = whole_way(START, scaled="0.1")
    way[1]["result"]["score"]["scaled"] = 1
    assert codes(decided(way)) == ["score_below"]


def test_two_post_tests_are_both_needed_and_the_lower_score_is_named() -> None:
    second = f"{POSTTEST}/objectives/second"
    roles = (*SHAPE.roles, RoleTerms(second, "posttest", "Part two", confirmed=True))
    shape = replace(SHAPE, roles=roles)
    way = whole_way(START)
    assert codes(decided(way, shape=shape)) == ["score_missing"]
    more = said("passed", second, START + 3 * HOUR, score={"scaled": 0.82})
    decision = decided([*way, more], shape=shape)
    assert (decision.outcome, decision.scaled) == ("complete", Decimal("0.82"))


@pytest.mark.parametrize(
    ("happened", "stored", "outcome"),
    [
        # arrives in January for December, soon: re-decided, not held
        ("2025-12-31T20:00:00", "2026-01-03T20:00:00", "complete"),
        ("2025-12-31T20:00:00", "2026-01-03T20:00:00.000001", "held"),
        # late, but in the same term, cycle and rule period
        ("2025-02-01T20:00:00", "2025-12-31T20:00:00", "complete"),
        ("2026-01-02T20:00:00", "2026-11-02T20:00:00", "complete"),
        # a year late
        ("2025-06-01T20:00:00", "2026-06-01T20:00:00", "held"),
    ],
)
def test_a_late_statement_is_held_only_across_a_border(
    happened: str, stored: str, outcome: str
) -> None:
    way = whole_way(at(happened) - 4 * HOUR, attested=at("2026-12-01T00:00:00"))
    way[4]["timestamp"] = happened
    decision = decided(
        way,
        stored={way[4]["id"]: at(stored), way[5]["id"]: at("2026-12-01T00:00:00")},
    )
    assert decision.outcome == outcome
    if outcome == "held":
        values = decision.reasons[0].values
        assert at(values["timestamp"]) == at(happened)
        assert at(values["stored"]) == at(stored)


@pytest.mark.parametrize(
    ("clock", "outcome", "code"),
    [("timestamp", "complete", None), ("stored", "incomplete", "after_term")],
)
def test_a_reviewed_statement_counts_by_the_chosen_clock(
    clock: str, outcome: str, code: str | None
) -> None:
    way = whole_way(at("2025-06-01T10:00:00"), attested=at("2026-07-01T00:00:00"))
    late = {way[4]["id"]: at("2026-06-01T10:00:00")}
    clocks = {uuid.UUID(way[4]["id"]): clock}
    decision = decided(way, stored=late, clocks=clocks)
    assert decision.outcome == outcome
    assert codes(decision) == ([code] if code else [])


def test_a_timestamp_ahead_of_the_store_counts_when_it_was_stored() -> None:
    way = whole_way(START)
    way[4]["timestamp"] = "2027-01-05T00:00:00+00:00"
    decision = decided(way, stored={way[4]["id"]: START + 3 * HOUR})
    assert (decision.outcome, decision.at) == ("complete", START + 3 * HOUR)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("day", "before", "after"),
    [
        (date(2025, 1, 1), "cpt-2023", "cpt-2025"),
        (date(2026, 1, 1), "cpt-2025", "cpt-2025"),
        (date(2027, 1, 1), "cpt-2025", "cpt-2027"),
    ],
)
def test_a_completion_counts_in_the_cycle_that_holds_it(
    zone: str, day: date, before: str, after: str
) -> None:
    border = start_of_day(day, zone)
    offer = rules(replace(OFFER, zone=zone, policy="post.credit"))
    found = []
    for moment in (border - MICROSECOND, border):
        way = [said("completed", u.iri, moment) for u in SHAPE.units]
        credit = decided(way, offer).credit
        assert credit is not None
        found.append(credit.cycle)
    assert found == [before, after]


@pytest.mark.parametrize("value", ["4", "2", "0"])
def test_the_credit_of_the_course_is_awarded_and_0_is_a_value(value: str) -> None:
    credit = decided(whole_way(START), rules(credit=Decimal(value))).credit
    assert credit is not None
    assert credit.value == Decimal(value)


def test_no_credit_offered_is_no_credit() -> None:
    decision = decided(whole_way(START), rules(credit=None))
    assert (decision.outcome, decision.credit) == ("complete", None)


@pytest.mark.parametrize(
    ("hours", "value", "flags"),
    [("4", "4", ()), ("3", "3", ("capped",)), ("4.5", "4", ()), (None, "4", ())],
)
def test_credit_above_the_estimated_hours_is_flagged_and_capped(
    hours: str | None, value: str, flags: tuple[str, ...]
) -> None:
    offer = rules(hours=None if hours is None else Decimal(hours))
    decision = decided(whole_way(START), offer)
    assert decision.outcome == "complete"
    assert decision.credit is not None
    assert (decision.credit.value, decision.credit.flags) == (Decimal(value), flags)


@pytest.mark.parametrize(
    ("change", "credit"), [(-MICROSECOND, "2"), (timedelta(0), "2"), (MICROSECOND, "4")]
)
def test_the_value_in_force_at_the_completion_instant(
    change: timedelta, credit: str
) -> None:
    way = whole_way(START)
    moment = START + 3 * HOUR
    offers = (
        OFFER,
        replace(OFFER, credit=Decimal(2), effective_from=moment + change),
    )
    decision = decided(way, rules(*offers))
    assert decision.credit is not None
    assert decision.credit.value == Decimal(credit)


def test_an_offer_recorded_again_for_the_same_instant_corrects_the_first() -> None:
    offers = (OFFER, replace(OFFER, credit=Decimal(1)))
    credit = decided(whole_way(START), rules(*offers)).credit
    assert credit is not None
    assert credit.value == 1


def test_what_was_done_before_the_offer_does_not_count() -> None:
    offer = replace(OFFER, effective_from=START + 24 * HOUR)
    decision = decided(whole_way(START), rules(offer))
    assert codes(decision) == ["before_offer"]
    # but the next thing done under the offer completes the course
    again = said("terminated", LESSON, START + 30 * HOUR, result={"completion": True})
    attested = said("attested", COURSE, START + 31 * HOUR)
    decision = decided([*whole_way(START), again, attested], rules(offer))
    assert (decision.outcome, decision.at) == ("complete", START + 30 * HOUR)


@pytest.mark.parametrize(
    ("position", "credited"),
    [("sworn", True), ("dispatcher", True), ("npo", False), ("community", False)],
)
def test_vehicle_pursuit_is_for_sworn_officers_and_dispatchers(
    position: str, *, credited: bool
) -> None:
    way = whole_way(START)
    way[0] = said("registered", COURSE, START, extensions={"position": position})
    offer = rules(audience=frozenset({"sworn", "dispatcher"}))
    decision = decided(way, offer)
    # history and certificate are never hidden for it
    assert decision.outcome == "complete"
    assert (decision.credit is not None) == credited
    assert codes(decision) == ([] if credited else ["not_in_audience"])


@pytest.mark.parametrize(
    ("moved", "credited"), [(3 * HOUR, False), (3 * HOUR + MICROSECOND, True)]
)
def test_the_audience_counts_as_of_the_completion_instant(
    moved: timedelta, *, credited: bool
) -> None:
    left = said("registered", COURSE, START + moved, extensions={"position": "npo"})
    offer = rules(audience=frozenset({"sworn"}))
    decision = decided([*whole_way(START), left], offer)
    assert (decision.credit is not None) == credited


def test_an_unknown_position_is_in_no_audience() -> None:
    way = whole_way(START)
    way[0] = said("registered", COURSE, START)
    decision = decided(way, rules(audience=frozenset({"sworn"})))
    assert codes(decision) == ["not_in_audience"]


def test_watching_a_video_that_needs_facilitation_gives_no_credit() -> None:
    decision = decided(whole_way(START), rules(policy="post.credit", transfer="roster"))
    assert (decision.outcome, decision.credit) == ("complete", None)
    assert codes(decision) == ["needs_roster"]


def test_a_roster_gives_the_credit_of_a_facilitated_course() -> None:
    offer = rules(policy="post.facilitated")
    assert codes(decided(whole_way(START), offer)) == ["statement_missing"]
    attended = said("attended", COURSE, START)
    decision = decided([attended], offer)
    assert (decision.outcome, decision.at) == ("complete", START)
    assert decision.credit is not None


def test_a_gated_course_needs_the_published_customization() -> None:
    offer = rules(policy="post.gated")
    way = whole_way(START)
    assert codes(decided(way, offer)) == ["gate_closed"]
    way[2]["context"] |= {
        "extensions": {
            "tag:rollcall.example,2026:extensions/customization": {"version": 3}
        }
    }
    decision = decided(way, offer)
    assert (decision.outcome, decision.period) == ("complete", "2026")


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (None, "2026"),
        ("cycle", "cpt-2025"),
        ("calendar-year", "2026"),
        ("once", "once"),
    ],
)
def test_the_period_of_the_product(period: str | None, expected: str) -> None:
    assert decided(whole_way(START), rules(period=period)).period == expected


def test_credit_outside_every_cycle_names_none() -> None:
    way = whole_way(at("2015-02-01T10:00:00"))
    decision = decided(way, rules(policy="post.credit"))
    assert decision.credit is not None
    assert (decision.credit.cycle, decision.period) == (None, "no cycle")


def test_without_an_offer_the_package_itself_decides() -> None:

    nothing = policy_book().rules([], zone="UTC")
    assert decided(whole_way(START)[:4], nothing).outcome == "complete"
    decision = decided(whole_way(START)[:3], nothing)
    assert (decision.outcome, codes(decision)) == ("incomplete", ["unit_missing"])


def test_before_the_first_statement_everything_is_missing() -> None:
    decision = decided([])
    assert decision.outcome == "incomplete"
    assert codes(decision) == ["unit_missing"] * 3 + ["score_missing"]


def test_the_first_completion_of_a_product_and_period_has_the_credit() -> None:
    instants = [datetime(2026, month, 1, tzinfo=UTC) for month in (3, 1, 1, 5)]
    ids = [uuid.UUID(int=number) for number in (1, 9, 2, 4)]
    rows = [
        ("pursuit", "2026", instants[0], ids[0]),
        ("pursuit", "2026", instants[1], ids[1]),
        ("pursuit", "2026", instants[2], ids[2]),
        ("pursuit", "2025", instants[3], ids[3]),
    ]
    expected = {("pursuit", "2026"): ids[2], ("pursuit", "2025"): ids[3]}
    assert first_of_each(rows) == expected
    assert first_of_each(reversed(rows)) == expected


@pytest.mark.parametrize(
    ("role", "verbs", "outcome"),
    [
        ("posttest", {POSTTEST: "passed"}, "complete"),
        ("posttest", {POSTTEST: "failed"}, "incomplete"),
        ("course", {COURSE: "passed"}, "complete"),
        ("course", {POSTTEST: "passed"}, "incomplete"),
        ("unit", {POSTTEST: "passed", LESSON: "passed"}, "incomplete"),
        ("unit", dict.fromkeys([PRETEST, LESSON, POSTTEST], "passed"), "complete"),
    ],
)
def test_a_policy_may_ask_for_success_without_a_score(
    role: str, verbs: dict[str, str], outcome: str
) -> None:
    text = f"""
    [[policy]]
    id = "cops.certificate"
    from = 2010-01-01
    citation = ""
    period = "once"
    require = [{{ kind = "passed", role = "{role}" }}]
    grants = ["completion"]
    """
    book = load_policies({"a.toml": text})
    way = [said(verb, activity, START) for activity, verb in verbs.items()]
    decision = decided(way, book.rules([OFFER], zone="UTC"))
    assert decision.outcome == outcome
    # it grants no credit
    assert decision.credit is None


def test_without_any_rules_nothing_is_offered() -> None:
    decision = decided(whole_way(START), Rules("UTC", (), ()))
    assert (decision.outcome, codes(decision)) == ("not_offered", ["not_offered"])


def test_what_came_late_from_before_the_offer_is_held_too() -> None:
    offer = replace(OFFER, effective_from=START + 24 * HOUR)
    way = whole_way(START)[:5]
    late = {one["id"]: START + 100 * HOUR for one in way}
    assert decided(way, rules(offer), stored=late).outcome == "held"
