from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from lrs.db import writing
from lrs.rules import cli, derive
from lrs.rules.policy import Rules, load_folder
from lrs.rules.tables import Award
from statements.errors import Invalid, InvalidPolicy, NotFound
from tests.lrs.rules.builders import (
    COURSE,
    LEARNER_IFI,
    LESSON,
    REGISTRATION,
    at,
    offer_course,
    said,
    store,
    told,
    whole_way,
)
from tests.lrs.rules.runs import follow, net, rows

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine

    from lrs.config import Config


def run(config: Config, *words: str) -> int:
    parser = argparse.ArgumentParser()
    cli.add_commands(parser.add_subparsers())
    arguments = parser.parse_args(["rules", *words])
    result: int = arguments.run(arguments, config)
    return result


@pytest.fixture
def filled(
    sqlite_engine: Engine, config: Config, now: datetime
) -> tuple[Config, Engine]:
    """Give the settings of a database in which a learner got 79%, another 90%."""
    with writing(sqlite_engine) as db:
        offer_course(db, now=now)
        store(db, *whole_way(at("2026-02-01T10:00:00"), scaled="0.79"), now=now)
        other = whole_way(at("2026-02-01T10:00:00"))
        for one in other:
            one["actor"] = {"mbox": "mailto:other@agency.example"}
        store(db, *other, now=now)
        follow(db, now)
    url = sqlite_engine.url.render_as_string(hide_password=False)
    return replace(config, database_url=url), sqlite_engine


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    out = capsys.readouterr().out
    return orjson.loads(out)


def test_check_names_every_policy(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(config, "check") == 0
    assert "cops.certificate from 2023-01-01: units_completed, min_scaled" in (
        capsys.readouterr().out
    )
    assert run(config, "check", "--json") == 0
    found = answer(capsys)
    assert {"id": "cpt-2025", "from": "2025-01-01", "end": "2027-01-01"} in (
        found["cycles"]
    )


def test_check_refuses_a_folder_with_a_bad_policy(
    config: Config, tmp_path: Path
) -> None:
    with pytest.raises(Invalid, match="not a folder"):
        run(config, "check", str(tmp_path / "none"))
    (tmp_path / "bad.toml").write_text("[[policy]]\nid = 5\n")
    with pytest.raises(InvalidPolicy, match=r"bad\.toml"):
        run(config, "check", str(tmp_path))


def test_explain_in_words_and_as_a_document(
    filled: tuple[Config, Engine], capsys: pytest.CaptureFixture[str]
) -> None:
    config, _ = filled
    words = ["--course", COURSE, "--registration", str(REGISTRATION)]
    assert run(config, "explain", "--actor", LEARNER_IFI, *words) == 0
    assert capsys.readouterr().out == (
        f"Registration {REGISTRATION}\n"
        "  You have not completed this course yet.\n"
        "  - Your post-test score was 79%. This course needs 80% or more."
        " You can take the post-test again.\n"
        "  Judged by cops.certificate as of 2023-01-01, days in America/Los_Angeles.\n"
    )
    actor = "mbox::mailto:other@agency.example"
    assert run(config, "explain", "--actor", actor, *words, "--json") == 0
    (found,) = answer(capsys)["registrations"]
    assert found["registration"] == str(REGISTRATION)
    assert found["outcome"] == "complete"
    assert found["completed_at"] == "2026-02-01T13:00:00+00:00"
    assert (found["credit"], found["cycle"]) == ("4", "cpt-2025")
    assert found["scaled"] == "0.9000000"
    assert found["policy_from"] == "2023-01-01"
    assert run(config, "explain", "--actor", actor, *words) == 0
    shown = capsys.readouterr().out
    assert "Finished at 2026-02-01T13:00:00Z.\n  Credit: 4, in cpt-2025.\n" in shown
    assert [f"Evidence: {one}" in shown for one in found["evidence"]] == [True] * 5


def test_explain_finds_the_registrations_itself(
    filled: tuple[Config, Engine], capsys: pytest.CaptureFixture[str]
) -> None:
    config, engine = filled
    with writing(engine) as db:
        more = said("completed", LESSON, at("2026-02-01T10:00:00"), registration=None)
        store(db, more, now=at("2026-03-03T10:00:00"))
        follow(db, at("2026-03-03T10:00:00"))
    words = ["explain", "--course", COURSE, "--json", "--actor"]
    assert run(config, *words, LEARNER_IFI) == 0
    found = answer(capsys)["registrations"]
    assert [one["registration"] for one in found] == [None, str(REGISTRATION)]
    with writing(engine) as db:
        elsewhere = said(
            "completed", "https://else.example/1", at("2026-02-01T10:00:00")
        )
        elsewhere["actor"] = {"mbox": "mailto:new@agency.example"}
        store(db, elsewhere, now=at("2026-03-03T11:00:00"))
    assert run(config, *words, "mbox::mailto:new@agency.example") == 0
    (found,) = answer(capsys)["registrations"]
    assert found["reasons"][0]["code"] == "no_activity"


UNKNOWN = [
    (COURSE, "mbox::mailto:nobody@agency.example", "No statement names"),
    (COURSE, "nobody", "No statement names"),
    ("https://else.example/2", LEARNER_IFI, "Nothing is recorded"),
]


@pytest.mark.parametrize(("course", "actor", "reason"), UNKNOWN)
def test_nothing_is_explained_of_what_is_not_known(
    filled: tuple[Config, Engine], course: str, actor: str, reason: str
) -> None:
    config, _ = filled
    with pytest.raises(NotFound, match=reason):
        run(config, "explain", "--course", course, "--actor", actor)


def test_an_unknown_tenant_is_not_found(filled: tuple[Config, Engine]) -> None:
    config, _ = filled
    with pytest.raises(NotFound):
        run(config, "replay", "--tenant", "nobody")


def test_replay_says_whether_the_rows_came_back(
    filled: tuple[Config, Engine], capsys: pytest.CaptureFixture[str]
) -> None:
    config, engine = filled
    assert run(config, "replay", "--json") == 0
    found = answer(capsys)
    assert (found["entries"], found["same"]) == (2, True)
    with writing(engine) as db:
        row = db.query(Award).first()
        assert row is not None
        row.zone = "UTC"
    assert run(config, "replay") == 1
    assert "2 entries; not as before." in capsys.readouterr().out
    assert run(config, "replay") == 0
    assert "2 entries; the same as before." in capsys.readouterr().out


def test_replay_shows_a_bar_on_a_terminal(
    filled: tuple[Config, Engine],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config, _ = filled
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(derive, "PIECE", 6)
    run(config, "replay")
    assert capsys.readouterr().err == (
        f"\r[{'#' * 20}{'.' * 20}] 6/12\r[{'#' * 40}] 12/12\n"
    )
    run(config, "replay", "--json")
    assert capsys.readouterr().err == ""


@pytest.fixture
def lenient(tmp_path: Path) -> Path:
    """Give a folder of our policies with 0.75 instead of 0.80."""
    for path in files("lrs.rules").joinpath("policies").iterdir():
        text = path.read_text(encoding="utf-8").replace('"0.80"', '"0.75"')
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_dry_run_tells_who_would_gain_and_changes_nothing(
    filled: tuple[Config, Engine], lenient: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, engine = filled
    with writing(engine) as db:
        before = rows(db)
    assert run(config, "dry-run", str(lenient), "--json") == 0
    found = answer(capsys)
    assert [(one["kind"], one["actor"], one["credit"]) for one in found["gained"]] == [
        ("completion", LEARNER_IFI, None),
        ("credit", LEARNER_IFI, "4"),
    ]
    assert found["lost"] == []
    assert run(config, "dry-run", str(lenient)) == 0
    assert capsys.readouterr().out.endswith("2 gained, 0 lost.\n")
    with writing(engine) as db:
        assert rows(db) == before


def test_a_dry_run_equals_the_replay_that_follows(
    filled: tuple[Config, Engine], lenient: Path, now: datetime
) -> None:
    _, engine = filled
    text = (lenient / "cops.toml").read_text().replace('"0.75"', '"0.95"')
    (lenient / "cops.toml").write_text(text)
    book = load_folder(lenient)
    with writing(engine) as db:
        before = net(db)
        found = derive.dry_run(db, tenant=1, book=book, now=now)
        assert net(db) == before
        derive.replay(db, tenant=1, now=now, book=book)
        lost = {str(one.award) for one in found.lost}
        assert {str(award) for *_, award in before - net(db)} == lost
        assert len(lost) == 2
        assert found.gained == ()


def test_a_dry_run_without_a_policy_in_use_is_refused(
    filled: tuple[Config, Engine], lenient: Path
) -> None:
    config, _ = filled
    (lenient / "cops.toml").unlink()
    with pytest.raises(InvalidPolicy, match="is gone"):
        run(config, "dry-run", str(lenient))


def test_without_any_rules_there_is_none_to_name() -> None:
    lines = cli.explanation_lines(told([], Rules("UTC", (), ())))
    assert lines == [
        "This course is not offered at present.",
        "- Nobody offers this course for credit or a certificate.",
    ]
