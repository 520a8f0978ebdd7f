"""How the public cases are read and judged, on a small case of our own."""

from __future__ import annotations

import io
import zipfile

import pytest

from player import cmi
from tests.player.scorm_2004 import agreement, api, build, cases, properties
from tests.player.scorm_2004.cases import Case, Command

SHORT = properties.parse("""
# abbreviations
c=cmi
a=adl
n=nav
r=request
rv=request_valid
LOC=location
X=exit
X.s=suspend
TY.c=choice
t=true
es=
tar={target=%s}
""")
PLAY = """
title=OWN
Act1V1.commands.0=I->->t->0
Act1V1.commands.10=SET->c~X!X.s->t->0
Act1V1.commands.2=SET->c~LOC!an -> arrow!->t->0
Act1V1.commands.3=GET->c~LOC->an -> arrow!->0
Act1V1.commands.4=SET->a~n~r!tar~activity_2~TY.c->t->0
Act1V1.commands.5=GET->a~n~rv~TY.c~tar~activity_2->t->0
Act1V1.CUI=Continue
Act2V1.commands.0=GLE->->0->0
Act2V1.UIQ=toc.enabled~continue.enabled
Act2V1.UIA=N~Y
Act2V1.commands.1=c~INTR~0!TY.c->one\\
   two->0
Act2V1.commands.2=COI->A,B
"""
MANIFEST = """<manifest><resources>
<resource identifier="R" href="a.htm" xml:base="in/"><file href="a.htm"/>
 <dependency identifierref="S"/></resource>
<resource identifier="S"><file href="b/c.js" /></resource>
</resources></manifest>"""


def test_property_files_are_read_as_java_reads_them() -> None:
    text = (
        "! no\n a = b \\\n   c\\\\\nd\\:e:f\\u00e9\\t.\n\nempty\n g   h = i\nk=1\nk=2\n"
    )
    assert properties.parse(text) == {
        "a": "b c\\",
        "d:e": "f\u00e9\t.",
        "empty": "",
        "g": "h = i",
        "k": "2",
    }


def test_a_play_is_read_in_order_with_its_abbreviations_written_out() -> None:
    first, second = cases.visits_of(properties.parse(PLAY), SHORT)
    assert (first.activity, first.number, first.then) == (1, 1, "Continue")
    assert [(one.method, one.arguments, one.expected) for one in first.commands] == [
        ("Initialize", ("",), "true"),
        ("SetValue", ("cmi.location", "an -> arrow!"), "true"),
        ("GetValue", ("cmi.location",), "an -> arrow!"),
        ("SetValue", ("adl.nav.request", "{target=activity_2}choice"), "true"),
        ("GetValue", ("adl.nav.request_valid.choice.{target=activity_2}",), "true"),
        ("SetValue", ("cmi.exit", "suspend"), "true"),
    ]
    assert second.questions == (("toc.enabled", False), ("continue.enabled", True))
    read, listed = second.commands[1:]
    assert (read.method, read.hint, read.expected) == ("GetValue", "choice", "onetwo")
    assert (listed.method, listed.expected) == ("COI", "A,B")
    assert cases.number_of("activity_12") == 12


def test_a_package_has_the_page_at_every_html_file_of_the_manifest() -> None:
    made = build.package(Case("OWN", ".", MANIFEST, ()))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert sorted(archive.namelist()) == ["b/c.js", "imsmanifest.xml", "in/a.htm"]
        assert archive.read("in/a.htm").decode() == build.PAGE
        assert archive.read("imsmanifest.xml").decode() == MANIFEST


def get(element: str, expected: str, code: str = "0", hint: str = "") -> Command:
    """Give a command that reads an element."""
    return Command("here", "GetValue", (element,), expected, code, hint)


AGREE = {
    "same": (get("cmi.location", "a"), "a", "0"),
    "number": (get("cmi.score.raw", "0.0"), "0", "0"),
    "duration": (get("cmi.total_time", "PT2H6M9S"), "PT7569S", "0"),
    "nothing yet": (get("cmi.total_time", "PT0H0M0S"), "PT0S", "0"),
    "children": (get("cmi.score._children", "min,max"), "max,min", "0"),
    "pairs": (get("x", "a[.]b[,]c[.]d", hint="matching"), "c[.]d[,]a[.]b", "0"),
    "range": (get("x", "-0.5[:]9"), "-0.50[:]9.0", "0"),
    "open range": (get("x", "[:]9"), "[:]9.0", "0"),
    "mark that says nothing": (get("x", "a[,]b"), "{order_matters=true}a[,]b", "0"),
    "found by id": (get("cmi.objectives.&o&.id", ""), "o", "0"),
    "some name": (get("cmi.learner_name", ""), "Sworn, Officer", "0"),
    "short": (
        Command("", "GetErrorString", ("0",), agreement.SHORT_TEXT, "0"),
        "",
        "0",
    ),
    "anything": (get("x", agreement.ANYTHING), "", "301"),
}
DIFFER = {
    "text": (get("cmi.location", "a"), "b", "0"),
    "code": (get("cmi.location", "", "403"), "", "0"),
    "number": (get("cmi.score.raw", "0.5"), "0.51", "0"),
    "duration": (get("cmi.total_time", "PT1M"), "PT1S", "0"),
    "month": (get("cmi.total_time", "P1M"), "P30D", "0"),
    "children": (get("cmi.score._children", "min,max"), "max", "0"),
    "mark": (get("x", "a"), "{case_matters=true}a", "0"),
    "other id": (get("cmi.objectives.&o&.id", ""), "p", "0"),
    "no name": (get("cmi.learner_name", ""), "", "0"),
    "long": (
        Command("", "GetErrorString", ("0",), agreement.SHORT_TEXT, "0"),
        "a" * 255,
        "0",
    ),
}


@pytest.mark.parametrize("name", AGREE)
def test_what_agrees(name: str) -> None:
    assert agreement.disagreement(*AGREE[name]) == ""


@pytest.mark.parametrize("name", DIFFER)
def test_what_does_not(name: str) -> None:
    assert agreement.disagreement(*DIFFER[name]) != ""


def test_the_api_in_python_runs_a_play() -> None:
    elements = cmi.elements_of("scorm_2004")
    values = cmi.initial_values(elements) | {"cmi.objectives._count": "1"}
    values["cmi.objectives.0.id"] = "A"
    calls = (
        ("GetValue", ("cmi.location",), "", "122"),
        ("Initialize", ("x",), "false", "201"),
        ("Initialize", ("",), "true", "0"),
        ("Initialize", ("",), "false", "103"),
        ("SetValue", ("cmi.objectives.&A&.id", "A"), "true", "0"),
        ("GetValue", ("cmi.objectives.&B&.id",), "", "301"),
        ("GetLastError", (), "301", "301"),
        ("GetErrorString", ("nothing",), "", "301"),
        ("Commit", ("",), "true", "0"),
        ("Terminate", ("",), "true", "0"),
        ("SetValue", ("cmi.location", "a"), "false", "133"),
    )
    run = api.Api(elements, values)
    for method, arguments, expected, code in calls:
        command = Command(method, method, arguments, expected, code)
        assert run.run(command) == (expected, code)
    assert [kind for kind, _ in run.log] == ["initialize", "set", "commit", "terminate"]


@pytest.mark.skipif(cases.folder() is None, reason=f"{cases.VARIABLE} names no cases")
def test_every_case_is_read() -> None:
    assert all(cases.read(name).visits for name in cases.names())
