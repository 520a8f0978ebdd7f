"""The public cases of API and data model, and all that visit one activity.

Here on the server's model and run-time; `tests/player/browser/test_cases.py` plays the
same ones in Chromium.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.player.scorm_2004 import cases
from tests.player.scorm_2004.course import Course

if TYPE_CHECKING:
    from lrs.parts import Parts
    from tests.player.scorm_2004.cases import Case

pytestmark = pytest.mark.skipif(
    cases.folder() is None, reason=f"{cases.VARIABLE} names no cases"
)


def test_the_selection_is_whole() -> None:
    chosen = cases.selected()
    assert set(cases.OF_THE_RUN_TIME) <= set(chosen)
    assert len(chosen) == 12


@pytest.mark.parametrize("name", cases.selected())
def test_a_case_passes_on_the_server(parts: Parts, name: str) -> None:
    for case in cases.played(name):
        follow(Course.of(parts, case), case)


def follow(course: Course, case: Case) -> None:
    """Play a case; the server must lead from visit to visit where it has to."""
    launch = course.launch(case.visits[0].activity)
    for visit, following in zip(case.visits, (*case.visits[1:], None), strict=True):
        goes_on = course.play(launch, visit).get("next") or {}
        if following is None:
            assert "unit" not in goes_on, "an activity is delivered that is not to come"
        elif visit.then == "":
            assert goes_on == {"unit": course.units[following.activity]}
            launch = course.choose(launch, following.activity)
        elif visit.is_left:
            launch = course.launch(following.activity)
        else:
            assert goes_on == {}
            launch = course.choose(launch, following.activity)
