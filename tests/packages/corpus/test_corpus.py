"""The corpus: every odd or hostile package is answered as expected, and cheaply.

A child with 512 MiB of memory looks at all of them. It opens nothing for writing, starts
nothing, calls nobody, and leaves no file open.
"""

import io
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from packages.archive import open_archive
from packages.check import check_package
from packages.contents import Contents
from packages.manifest import Manifest
from statements.errors import DomainError
from tests.packages.corpus.descriptions import DESCRIPTIONS, packaged
from tests.packages.corpus.run import answer_of, answers_of
from tests.packages.corpus.zips import ZIPS
from tests.packages.make import (
    NAMESPACES_2004,
    START_PAGE,
    Entry,
    Item,
    Zip,
    manifest,
    package,
)

# Of the processor, on a machine that may be ten times slower than those it was made on.
MOST_SECONDS = 30
MOST_KEPT = 16 << 20


def check(found: dict[str, Any], expected: Mapping[str, tuple[str, ...]]) -> None:
    besides = found.pop("*")
    assert besides == {"acts": [], "left": 0, "written": []}
    answers = {name: answer_of(answer) for name, answer in found.items()}
    assert answers == {name: tuple(sorted(one)) for name, one in expected.items()}
    for name, answer in found.items():
        errors = [code for severity, code in answer["findings"] if severity == "error"]
        assert answer["importable"] == (not errors), name
        assert answer["importable"] <= (answer["units"] > 0), name
        assert answer["seconds"] < MOST_SECONDS, name
        assert answer["kept"] < MOST_KEPT, name


def test_odd_and_hostile_zip_files(tmp_path: Path) -> None:
    assert len(ZIPS) >= 60
    found = answers_of({name: make() for name, (make, _) in ZIPS.items()}, tmp_path)
    check(found, {name: answer for name, (_, answer) in ZIPS.items()})


def test_odd_and_hostile_descriptions(tmp_path: Path) -> None:
    assert len(DESCRIPTIONS) >= 80
    files = {name: packaged(one) for name, one in DESCRIPTIONS.items()}
    found = answers_of(files, tmp_path)
    check(found, {name: one.answer for name, one in DESCRIPTIONS.items()})


PARTS = [
    "..",
    ".",
    "...",
    "/",
    "//",
    "\\",
    "a",
    "index.html",
    "C:",
    "c:\\",
    "\\\\?\\",
    "%2e",
    "%2E%2e",
    "%252e",
    "%2f",
    "%5c",
    "%00",
    "\x00",
    "\n",
    "\x7f",
    " ",
    "~",
    "‥",
    "∕",
    "．",
    "／",
    "＼",
    "\u202e",
    "é",
    "é",
    "CON",
    "?x",
    "#y",
    ":",
]


def test_no_entry_and_no_address_leaves_the_package() -> None:
    """20,000 names: as entries of an archive, and as addresses in a description."""
    chance = Random(20)  # noqa: S311 - names to try, no secrets
    kept: set[str] = set()
    contents = Contents(open_archive(as_zip("index.html", "a/index.html")))
    for _ in range(20_000):
        name = "".join(chance.choices(PARTS, k=chance.randint(1, 8)))
        found = contents.find(name)
        assert found is None or found[0] in {"index.html", "a/index.html"}
        with suppress(DomainError):
            kept |= set(open_archive(as_zip(name)).files)
    assert len(kept) > 1000
    for clean in kept:
        assert clean == str(Path("/package", clean))[len("/package/") :]
        assert not {"", ".", ".."} & set(clean.split("/"))
        assert not set("\\\0\n") & set(clean)
        assert not re.match("[A-Za-z]:", clean)


def as_zip(*names: str) -> io.BytesIO:
    entries = [Entry(name, flags=1 << 11) for name in names]
    return io.BytesIO(bytes(Zip(entries)))


@pytest.mark.parametrize("name", ["plain", "utf-16", "base on three levels"])
def test_what_can_be_used_starts_at_a_file_of_the_package(name: str) -> None:
    data = io.BytesIO(packaged(DESCRIPTIONS[name]))
    checked = check_package(data, filename="x.zip")
    assert checked.contents is not None
    for unit in checked.manifest.units:
        assert unit.launch in checked.contents.files


def test_a_description_changed_at_random_is_answered() -> None:
    """1,500 changed ones: refused with a finding, or read into what can be kept."""
    rich = manifest(
        Item(inside=EVERYTHING, items=[Item("i2", "Two", "index.html")]),
        Item("i3", "Three", "index.html", inside=EVERYTHING),
        namespaces=NAMESPACES_2004,
        version="2004 4th Edition",
        spelled="adlcp:scormType",
        metadata="<lom><general><title><string>T</string></title></general></lom>",
    )
    words = re.findall(r"[\w:.-]+|\s+|.", rich)
    chance = Random(1500)  # noqa: S311 - changes to try, no secrets
    read = refused = 0
    for _ in range(1500):
        changed = list(words)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(changed))
            changed[place] = chance.choice(["", changed[place] * 2, *ODD, *words[:400]])
        data = package({"imsmanifest.xml": "".join(changed), "index.html": START_PAGE})
        found = check_package(io.BytesIO(data), filename="x.zip").manifest
        assert Manifest.from_json(json.loads(json.dumps(found.to_json()))) == found
        read += found.is_importable
        refused += not found.is_importable
    assert read > 100
    assert refused > 100


ODD = ["<", ">", "/", '"', "&amp;", "-1", "é", "true", "9" * 40, "PT1H", "%20", "]]>"]
EVERYTHING = (
    "<adlcp:timeLimitAction>exit,message</adlcp:timeLimitAction>"
    '<adlcp:completionThreshold completedByMeasure="true" minProgressMeasure="0.5"/>'
    '<adlcp:data><adlcp:map targetID="t" readSharedData="false"/></adlcp:data>'
    '<imsss:sequencing><imsss:controlMode flow="true" choice="false"/>'
    "<imsss:sequencingRules><imsss:preConditionRule><imsss:ruleConditions>"
    '<imsss:ruleCondition condition="satisfied" referencedObjective="o"/>'
    '</imsss:ruleConditions><imsss:ruleAction action="skip"/></imsss:preConditionRule>'
    '</imsss:sequencingRules><imsss:limitConditions attemptLimit="2"/>'
    '<imsss:rollupRules objectiveMeasureWeight="0.5"><imsss:rollupRule minimumCount="1">'
    '<imsss:rollupConditions><imsss:rollupCondition condition="attempted"/>'
    '</imsss:rollupConditions><imsss:rollupAction action="satisfied"/>'
    "</imsss:rollupRule></imsss:rollupRules><imsss:objectives>"
    '<imsss:primaryObjective objectiveID="o" satisfiedByMeasure="true">'
    "<imsss:minNormalizedMeasure>0.6</imsss:minNormalizedMeasure>"
    '<imsss:mapInfo targetObjectiveID="g" writeSatisfiedStatus="true"/>'
    "</imsss:primaryObjective></imsss:objectives></imsss:sequencing>"
)
