"""The two commands, as people and scripts call them."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from lrs.config import Config
from lrs.db import reading
from lrs.parts import Parts
from packages import cli, intake
from packages.courses import Package
from packages.quotas import QuotaExceeded
from statements.errors import Invalid
from tests.packages.make import Item, course
from tests.packages.test_cmi5 import au, course_structure


def call(config: Config, *words: str) -> int:
    parser = argparse.ArgumentParser()
    cli.add_commands(parser.add_subparsers())
    arguments = parser.parse_args(["package", *words])
    return int(arguments.run(arguments, config))


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "good course.zip"
    inner = [Item("a", "Урок", "a.html"), Item("b", "Итог", "b.html")]
    items = [Item("m", "Module", href=None, items=inner)]
    path.write_bytes(course(*items, version=None, files={"big.mp4": b"x"}))
    return str(path)


@pytest.fixture
def bad(tmp_path: Path) -> str:
    path = tmp_path / "bad.zip"
    path.write_bytes(b"no zip")
    return str(path)


def test_check_as_json(
    config: Config, good: str, bad: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(config, "check", good, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["status"] == "importable"
    assert shown["standard"] == "scorm_12"
    assert shown["units"] == [
        {"index": 0, "id": "a", "title": "Урок", "launch": "a.html"},
        {"index": 1, "id": "b", "title": "Итог", "launch": "b.html"},
    ]
    assert shown["findings"][0]["code"] == "version_missing"
    assert len(shown["sha256"]) == 64
    assert call(config, "check", bad, "--json") == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["units"]) == ("rejected", [])


def test_lenient_takes_what_a_draft_of_cmi5_wrote(
    config: Config,
    parts: Parts,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "draft.xml"
    path.write_text(
        course_structure(
            au(url="https://example.com/"), namespace="http://www.aicc.org/2012/01/cmi5"
        )
    )
    assert call(config, "check", str(path), "--json") == 1
    assert call(config, "check", str(path), "--json", "--lenient") == 0
    assert call(parts.config, "import", str(path), "--json") == 1
    capsys.readouterr()
    assert call(parts.config, "import", str(path), "--json", "--lenient") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["standard"]) == ("imported", "cmi5")


def test_check_as_sarif(
    config: Config, bad: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(config, "check", bad, "--sarif") == 1
    log = json.loads(capsys.readouterr().out)
    assert log["runs"][0]["results"][0]["ruleId"] == "not_a_package"


def test_check_in_words(
    config: Config, good: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(config, "check", good) == 0
    out = capsys.readouterr().out
    assert "A course  [SCORM 1.2]\n  Module\n    - Урок\n    - Итог\n" in out
    assert "repair version_missing imsmanifest.xml" in out
    assert call(config, "check", good, "--strict") == 1


def test_lines_are_shown(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.zip"
    path.write_bytes(course(files={"imsmanifest.xml": "<manifest>\n\n<a></manifest>"}))
    assert call(config, "check", str(path)) == 1
    assert "error xml_malformed imsmanifest.xml:3\n" in capsys.readouterr().out


def test_a_path_that_is_no_file_is_told(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("check", "import"):
        assert call(config, command, str(tmp_path)) == 1
        told = f"rollcall: {tmp_path} is a folder; zip its contents\n"
        assert capsys.readouterr().err == told
        nowhere = tmp_path / "nowhere.zip"
        assert call(config, command, str(nowhere)) == 1
        assert capsys.readouterr().err == f"rollcall: there is no file {nowhere}\n"


def test_check_needs_no_data_folder(tmp_path: Path, good: str) -> None:
    nowhere = tmp_path / "nowhere"
    config = Config(data=nowhere, secret_key="a secret of the tests")
    assert call(config, "check", good) == 0
    assert not nowhere.exists()


def test_import(
    parts: Parts, good: str, bad: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(parts.config)
    assert call(config, "import", good, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["progress"]) == ("imported", 1.0)
    assert shown["filename"] == "good course.zip"
    assert call(config, "import", good) == 0
    assert capsys.readouterr().out.startswith("imported: package ")
    assert call(config, "import", bad, "--json") == 1
    assert json.loads(capsys.readouterr().out)["status"] == "rejected"


def test_a_file_that_is_there_already_is_named_and_imported(
    parts: Parts, good: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    for _ in range(2):
        assert call(parts.config, "import", good, "--json") == 0
        captured = capsys.readouterr()
        shown.append(json.loads(captured.out))
    assert [one["duplicate_of"] for one in shown] == [None, shown[0]["id"]]
    assert shown[0]["id"] in captured.err


def test_an_interrupted_import_is_cancelled(
    parts: Parts, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(intake, "put_files", interrupt)
    with pytest.raises(KeyboardInterrupt):
        call(parts.config, "import", good)
    with reading(parts.engine) as db:
        [package] = db.scalars(select(Package))
    assert package.findings[0]["code"] == "import_cancelled"
    assert list(parts.storage.keys("")) == []


def test_quotas(parts: Parts, good: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = {}
    for words in ([], ["5"], ["0"], ["default"]):
        assert call(parts.config, "quota", *words, "--json") == 0
        said[" ".join(words)] = json.loads(capsys.readouterr().out)["quota"]
    assert said == {"": None, "5": 5_000_000, "0": None, "default": None}
    assert call(parts.config, "import", good, "--json") == 0
    assert call(parts.config, "quota", "1") == 0
    assert capsys.readouterr().out.endswith("0.0 MB used, of 1 MB\n")
    with pytest.raises(Invalid):
        call(parts.config, "quota", "much")
    big = Path(good).with_name("big.zip")
    big.write_bytes(bytes(1_100_000))
    with pytest.raises(QuotaExceeded):
        call(parts.config, "import", str(big))
    assert list(parts.storage.keys("uploads/")) == []


def test_import_into_a_new_data_folder(
    tmp_path: Path, good: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    config = Config(data=folder, secret_key="a secret of the tests")
    assert call(config, "import", good, "--json") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "imported"


def test_a_missing_file_is_a_refusal(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    for action in ("check", "import"):
        assert call(config, action, "nothing.zip") == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "nothing.zip" in captured.err


def test_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    cli._show_progress(0.5)
    cli._show_progress(1.0)
    assert capsys.readouterr().err == (
        f"\r[{'#' * 20}{'.' * 20}]  50%\r[{'#' * 40}] 100%\n"
    )
