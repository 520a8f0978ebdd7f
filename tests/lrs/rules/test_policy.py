from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from lrs.rules.policy import KINDS, load_folder, load_policies, policy_book
from statements.errors import InvalidPolicy
from tests.lrs.rules.builders import OFFER

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
[[policy]]
id = "a.policy"
from = 2020-01-01
citation = "a law"
term = "calendar-year"
period = "term"
require = [
  { kind = "units_completed" },
  { kind = "min_scaled", role = "posttest", at_least = "0.80" },
]
grants = ["completion"]
"""
CYCLES = """
[[cycle]]
id = "one"
from = 2025-01-01
until = 2026-12-31
hours = "24"

[[cycle]]
id = "two"
from = 2027-01-01
until = 2028-12-31
hours = "24"
"""
MANDATE = """
[[mandate]]
id = "sum"
title = "A sum"
from = 2025-01-01
shape = "sum"
within = "cycle"
hours = "24"
audience = ["sworn"]
citation = "a law"
"""


def test_our_own_policies_can_be_used() -> None:
    book = policy_book()
    assert set(book.versions) == {
        "cops.certificate",
        "post.credit",
        "post.facilitated",
        "post.gated",
        "none",
    }
    assert book.verbs == {"attested", "attended"}
    assert {one.sends for one in book.transfers.values()} == {
        "credit",
        "completion",
        "nothing",
    }
    assert {one.shape for one in book.mandates} == {
        "sum",
        "minimum_per_category",
        "once",
    }
    assert all(one.citation for one in book.mandates)


def test_the_gates_of_the_certificate_begin_in_2023() -> None:
    before, since = policy_book().versions["cops.certificate"]
    assert (before.end, since.start) == (date(2023, 1, 1), date(2023, 1, 1))
    assert [one.kind for one in before.require] == ["units_completed", "within_term"]
    (score,) = [one for one in since.require if one.kind == "min_scaled"]
    assert (score.at_least, score.role) == (Decimal("0.80"), "posttest")
    (attested,) = [one for one in since.require if one.kind == "statement_present"]
    assert (attested.verb, attested.after_completion) == ("attested", True)


def test_the_cycle_of_2025_and_its_neighbours() -> None:
    cycles = {one.id: (one.start, one.end) for one in policy_book().cycles}
    assert cycles["cpt-2023"] == (date(2023, 1, 1), date(2025, 1, 1))
    assert cycles["cpt-2025"] == (date(2025, 1, 1), date(2027, 1, 1))
    assert cycles["cpt-2027"] == (date(2027, 1, 1), date(2029, 1, 1))
    assert policy_book().cycle_hours["cpt-2025"] == 24


def test_no_policy_file_holds_a_float() -> None:
    def walk(value: Any) -> None:
        assert not isinstance(value, float)
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for one in value:
                walk(one)

    for path in files("lrs.rules").joinpath("policies").iterdir():
        walk(tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"0.80"', "0.80"),
        ('"0.80"', '"eighty"'),
        ('"0.80"', '"NaN"'),
        ('"0.80"', '"80"'),
        ('role = "posttest"', 'role = "pretest"'),
        ('role = "posttest"', 'role = "exam"'),
        (', at_least = "0.80"', ""),
        ('"min_scaled"', '"max_scaled"'),
        ('kind = "units_completed"', 'kind = "units_completed", role = "unit"'),
        ('kind = "units_completed"', 'kind = "audience"'),
        ('kind = "units_completed"', 'kind = "statement_present"'),
        (
            'kind = "units_completed"',
            'kind = "statement_present", verb = "signed"',
        ),
        (
            'kind = "units_completed"',
            'kind = "statement_present", verb = "attested", after_completion = "yes"',
        ),
        ("from = 2020-01-01", 'from = "2020-01-01"'),
        ("from = 2020-01-01", "from = 2020-01-01T00:00:00"),
        ("from = 2020-01-01", ""),
        ('term = "calendar-year"', 'term = "fiscal-year"'),
        ('term = "calendar-year"', ""),
        ('period = "term"', 'period = "month"'),
        ('id = "a.policy"', 'id = "A Policy"'),
        ('["completion"]', '["diploma"]'),
        (
            '["completion"]',
            '["completion"]\nrequire_for_credit = [{kind="within_term"}]',
        ),
        ("require = [", 'unknown = "x"\nrequire = ['),
        ("[[policy]]", "[[police]]"),
        ("[[policy]]", "[[policy"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused(old: str, new: str) -> None:
    assert old in POLICY
    load_policies({"a.toml": POLICY})
    with pytest.raises(InvalidPolicy):
        load_policies({"a.toml": POLICY.replace(old, new)})


def test_the_refusal_names_the_file_and_the_place() -> None:
    with pytest.raises(InvalidPolicy, match=r"a\.toml.*at_least"):
        load_policies({"a.toml": POLICY.replace('"0.80"', "0.80")})


def test_two_versions_from_the_same_day_are_refused() -> None:
    with pytest.raises(InvalidPolicy, match="two versions from 2020-01-01"):
        load_policies({"a.toml": POLICY, "b.toml": POLICY})
    later = POLICY.replace("2020-01-01", "2021-01-01")
    book = load_policies({"a.toml": later, "b.toml": POLICY})
    assert [one.end for one in book.versions["a.policy"]] == [
        date(2021, 1, 1),
        date.max,
    ]


@pytest.mark.parametrize(
    ("old", "new", "accepted"),
    [
        ("2026-12-31", "2026-12-30", True),
        ("2026-12-31", "2027-01-01", False),
        ("2026-12-31", "2024-12-31", False),
        ("2027-01-01", "2028-12-31", True),
        ('"24"', "24", False),
    ],
)
def test_cycles_do_not_overlap(old: str, new: str, *, accepted: bool) -> None:
    text = CYCLES.replace(old, new)
    if accepted:
        assert len(load_policies({"a.toml": text}).cycles) == 2
    else:
        with pytest.raises(InvalidPolicy):
            load_policies({"a.toml": text})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('hours = "24"', ""),
        ('shape = "sum"', 'shape = "once"'),
        ('shape = "sum"', 'shape = "minimum_per_category"'),
        ('shape = "sum"', 'shape = "average"'),
        ('within = "cycle"', 'within = "month"'),
    ],
)
def test_a_mandate_has_what_its_shape_needs(old: str, new: str) -> None:
    load_policies({"a.toml": MANDATE})
    with pytest.raises(InvalidPolicy):
        load_policies({"a.toml": MANDATE.replace(old, new)})


def test_a_transfer_kind_is_given_once() -> None:
    kind = '[[transfer]]\nid = "x"\nsends = "credit"\ncredits = true\n'
    with pytest.raises(InvalidPolicy, match="twice"):
        load_policies({"a.toml": kind * 2})


def test_a_folder_of_policies(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(POLICY)
    (tmp_path / "notes.txt").write_text("no policy")
    assert set(load_folder(tmp_path).versions) == {"a.policy"}


def test_rules_are_cut_where_an_offer_or_a_version_ends() -> None:
    first = replace(OFFER, effective_from=datetime(2022, 1, 1, tzinfo=UTC))
    second = replace(
        OFFER, effective_from=datetime(2024, 1, 1, tzinfo=UTC), policy="post.credit"
    )
    spans = policy_book().rules([second, first], zone="UTC").spans
    assert [(one.start.date(), one.version.id, one.version.start) for one in spans] == [
        (date(2022, 1, 1), "cops.certificate", date(2010, 1, 1)),
        (date(2023, 1, 1), "cops.certificate", date(2023, 1, 1)),
        (date(2024, 1, 1), "post.credit", date(2010, 1, 1)),
    ]
    assert [one.end for one in spans[:-1]] == [one.start for one in spans[1:]]
    # a version begins with its day in the zone of the offer
    assert spans[1].start == datetime(2023, 1, 1, 8, tzinfo=UTC)


def test_every_kind_is_used_or_documented() -> None:
    texts = " ".join(
        path.read_text(encoding="utf-8")
        for path in files("lrs.rules").joinpath("policies").iterdir()
    )
    used = set(re.findall(r'kind = "(\w+)"', texts))
    assert used <= KINDS.keys()
    # the one kind no policy of ours needs: success without a score
    assert KINDS.keys() - used == {"passed"}
