"""Packages of cmi5, xAPI and AICC of the corpus, answered in the same child."""

import io
from pathlib import Path

import pytest

from packages.check import check_package
from tests.packages.corpus.others import AICC, CMI5, OTHERS, XAPI
from tests.packages.corpus.run import answers_of
from tests.packages.corpus.test_corpus import check


def test_odd_and_hostile_packages_of_other_standards(tmp_path: Path) -> None:
    assert len(OTHERS) >= 60
    found = answers_of({name: make() for name, (make, _) in OTHERS.items()}, tmp_path)
    check(found, {name: answer for name, (_, answer) in OTHERS.items()})


@pytest.mark.parametrize(
    ("name", "standard"),
    [
        (name, standard)
        for standard, made in (("cmi5", CMI5), ("xapi", XAPI), ("aicc", AICC))
        for name in (next(iter(made)), list(made)[2])
    ],
)
def test_what_is_taken_is_of_its_standard_and_said_not_to_play(
    name: str, standard: str
) -> None:
    data = io.BytesIO(OTHERS[name][0]())
    manifest = check_package(data, filename="x.zip").manifest
    assert manifest.standard == standard
    assert manifest.is_importable
