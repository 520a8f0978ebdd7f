"""The language of prerequisites, as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packages.prerequisites import LONGEST, is_met, unmet

KNOWN = {
    "a": "passed",
    "b": "completed",
    "c": "failed",
    "d": "incomplete",
    "e": "not attempted",
    "s-1.x": "passed",
}


@pytest.mark.parametrize(
    ("script", "met"),
    [
        ("", True),
        ("A", True),
        ("B", True),
        ("C", False),
        ("E", False),
        ("A&B", True),
        ("A & C", False),
        ("A|C", True),
        ("C|E", False),
        ("~C", True),
        ("~A", False),
        ("~(A&C)", True),
        ("C|A&B", True),
        ("(C|A)&E", False),
        ("A&~E", True),
        ("S-1.x", True),
        ("{A,B}", True),
        ("{A, C}", False),
        ("2*{A,B,C}", True),
        ("3*{A,B,C}", False),
        ("1*{C, E, A}", True),
        ("0*{C}", True),
        ("2*{A,(B|C),E}", True),
        ('A="passed"', True),
        ("A=passed", True),
        ("A=p", True),
        ('C="failed"', True),
        ('D=\t"incomplete"', True),
        ('E="not attempted"', True),
        ("E=n", True),
        ("E=N", True),
        ('A<>"passed"', False),
        ('B<>"passed"', True),
        ('"A"&B', True),
        # what the course does not have shuts nobody out
        ("X", True),
        ("X&A", True),
        ("X&C", False),
        ("~X", True),
        ("~X&Y", True),
        ("~X&C", False),
        ("~(X|A)", False),
        ("~(X|C)", True),
        ("X|C", True),
        ("3*{A,X,C}", False),
        ("2*{A,X,C}", True),
        ("~{A,X}", True),
        ('X="passed"', True),
        ('X<>"passed"', True),
        # nor does what cannot be read
        ("A&", True),
        ("C)", True),
        ("(C", True),
        ("C=", True),
        ("C=unheard-of", True),
        ("x*{C}", True),
        ("{C", True),
        ("C C", True),
        ('C="', True),
        ("(" * 200 + "C" + ")" * 200, True),
        ("~" * 200 + "C", True),
        ("C" * (LONGEST + 1), True),
    ],
)
def test_scripts(script: str, met: bool) -> None:  # noqa: FBT001
    assert is_met(script, KNOWN) is met


def test_names_of_what_is_missing_in_the_order_of_the_script() -> None:
    assert unmet('A & (D | C) & ~E & X & C="passed"', KNOWN) == ["d", "c", "e"]


@given(st.text(alphabet='AbC&|~=<>(){},*" 12', max_size=60))
def test_any_text_is_decided(script: str) -> None:
    assert is_met(script, KNOWN) in {True, False}
    assert set(unmet(script, KNOWN)) <= set(KNOWN)
