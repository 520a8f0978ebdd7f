from datetime import timedelta
from decimal import Decimal

import pytest

from lrs.db import reading
from lrs.rules.terms import CreditCycle
from portal.training import CreditChart, CreditEntry, CycleCredit, credit_of


def credit(world, *users):
    with reading(world.parts.engine) as db:
        return credit_of(
            db,
            config=world.parts.config,
            user_ids=[user.id for user in users],
            now=world.now,
        )


def test_credit_lands_in_its_cycle_and_with_its_person(world) -> None:
    world.complete(world.cast.officer)
    found = credit(world, world.cast.officer, world.cast.dispatcher)
    [cycle] = found[world.cast.officer.id]
    assert (cycle.cycle.id, cycle.total, cycle.left) == ("cpt-2025", 1, 23)
    [entry] = cycle.entries
    assert entry.policy == "cops.certificate"
    assert entry.at == world.now + timedelta(seconds=4)
    [empty] = found[world.cast.dispatcher.id]
    assert (empty.total, empty.entries) == (0, ())


def cycle_with(now, *amounts: str, required: str = "24") -> CreditChart:
    entries = tuple(
        CreditEntry(
            award=None,
            course_iri="x",
            registration=None,
            at=now,
            zone="UTC",
            policy="p",
            policy_from=now.date(),
            credit=Decimal(amount),
            flags=(),
        )
        for amount in amounts
    )
    cycle = CreditCycle("cpt-2025", now.date(), now.date() + timedelta(days=730))
    return CreditChart(
        CycleCredit(cycle=cycle, required=Decimal(required), entries=entries)
    )


@pytest.mark.parametrize(
    ("amounts", "total", "share", "goal", "met"),
    [
        ((), "0", 0, 1, False),
        (("0",), "0", 0, 1, False),
        (("12",), "12", 0.5, 1, False),
        (("23.9",), "23.9", 23.9 / 24, 1, False),
        (("20", "4"), "24", 1, 1, True),
        (("20", "28"), "48", 1, 0.5, True),
    ],
)
def test_the_chart(now, amounts, total, share, goal, met) -> None:
    chart = cycle_with(now, *amounts)
    assert chart.total_text == total
    assert chart.share == pytest.approx(share)
    assert chart.goal == pytest.approx(goal)
    assert chart.is_met is met
    assert chart.ticks[0].at == 0
    assert chart.ticks[-1].at <= 1
    assert len(chart.ticks) <= 9
    assert chart.sentence.startswith(f"{total} of 24 hours earned")
