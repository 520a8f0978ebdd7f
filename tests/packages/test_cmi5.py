"""Course structures of cmi5: what they become, and each rule that refuses."""

import io
from decimal import Decimal

import pytest

from packages.archive import bare_file, open_archive
from packages.cmi5 import NAMESPACE, read_cmi5
from packages.contents import Contents
from packages.manifest import Manifest
from statements.errors import InvalidPackage
from tests.packages.make import package

PAGE = "<!DOCTYPE html>"


def strings(text: str, lang: str = "en") -> str:
    return f'<langstring lang="{lang}"> {text}\n </langstring>'


def words(title: str) -> str:
    return (
        f"<title>{strings(title)}{strings('Autre', 'fr')}</title>"
        f"<description>{strings(f'About {title}')}</description>"
    )


def au(
    identifier: str = "https://example.com/au/1",
    url: str = "index.html",
    title: str = "Lesson",
    attributes: str = 'moveOn="Passed"',
    inside: str = "",
    objectives: str = "",
) -> str:
    return (
        f'<au id="{identifier}" {attributes}>{words(title)}{objectives}\n'
        f"<url> {url} </url>{inside}</au>"
    )


def block(identifier: str, members: str, title: str = "Part", inside: str = "") -> str:
    return f'<block id="{identifier}">{words(title)}{inside}{members}</block>'


def objective(identifier: str, title: str = "Aim") -> str:
    return f'<objective id="{identifier}">{words(title)}</objective>'


def references(*identifiers: str) -> str:
    each = "".join(f'<objective idref="{one}"/>' for one in identifiers)
    return f"<objectives>{each}</objectives>"


def course_structure(
    members: str,
    *,
    identifier: str = "https://example.com/course",
    namespace: str = NAMESPACE,
    objectives: str = "",
    course: str | None = None,
) -> str:
    own = words("Geology") if course is None else course
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<courseStructure xmlns="{namespace}" '
        f'xmlns:e="urn:example">\n<course id="{identifier}">{own}</course>\n'
        f"{objectives}\n{members}</courseStructure>"
    )


def read(text: str, *names: str) -> Manifest:
    files: dict[str, str | bytes] = dict.fromkeys(names or ("index.html",), PAGE)
    data = package({"cmi5.xml": text.encode("utf-8"), **files})
    return read_cmi5(Contents(open_archive(io.BytesIO(data))), "cmi5.xml")


def errors(found: Manifest) -> list[str]:
    return [one.code for one in found.findings if one.severity == "error"]


def test_a_whole_course() -> None:
    aims = f"<objectives>{objective('urn:o:1')}{objective('urn:o:2')}</objectives>"
    inner = block(
        "urn:b:2",
        au("urn:a:2", url="a%20b/c.html?x=1&amp;y=%20#two", title="Second"),
        title="Inner",
    )
    first = au(
        "urn:a:1",
        attributes=(
            'moveOn="CompletedAndPassed" masteryScore=" 0.80 " launchMethod="OwnWindow" '
            'activityType="http://adlnet.gov/expapi/activities/assessment"'
        ),
        objectives=references("urn:o:2"),
        inside=(
            "<launchParameters> Start=1 </launchParameters>"
            "<entitlementKey> xyz </entitlementKey>"
        ),
    )
    outer = block("urn:b:1", first + inner, title="Outer", inside=references("urn:o:1"))
    last = au("urn:a:3", url="https://example.com/x", title="Third", attributes="")
    found = read(
        course_structure(outer + last, objectives=aims), "index.html", "a b/c.html"
    )
    assert errors(found) == []
    assert (found.standard, found.edition) == ("cmi5", "1.0")
    assert (found.identifier, found.title) == ("https://example.com/course", "Geology")
    assert (found.description, found.language) == ("About Geology", "en")
    assert [one.identifier for one in found.objectives] == ["urn:o:1", "urn:o:2"]
    assert [(one.title, one.parent, one.objectives) for one in found.blocks] == [
        ("Outer", None, ("urn:o:1",)),
        ("Inner", 0, ()),
    ]
    one, two, three = found.units
    assert [found.headings(unit) for unit in found.units] == [
        ["Outer"],
        ["Outer", "Inner"],
        [],
    ]
    assert (one.kind, one.title, one.launch) == ("au", "Lesson", "index.html")
    assert (one.mastery_score, one.move_on) == (Decimal("0.80"), "CompletedAndPassed")
    assert (one.launch_method, one.objectives) == ("OwnWindow", ("urn:o:2",))
    assert one.activity_type == "http://adlnet.gov/expapi/activities/assessment"
    assert (one.launch_parameters, one.entitlement_key) == ("Start=1", "xyz")
    assert (one.description, one.mastery_score) == ("About Lesson", Decimal("0.80"))
    assert (two.launch, two.parameters) == ("a b/c.html", "?x=1&y=%20#two")
    assert two.address == "a%20b/c.html?x=1&y=%20#two"
    assert three.is_external
    assert three.address == "https://example.com/x"
    assert (three.move_on, three.launch_method) == ("NotApplicable", "AnyWindow")
    assert (three.mastery_score, three.activity_type) == (None, "")
    assert {one.code for one in found.findings} == {"cmi5_move_on", "unit_elsewhere"}
    assert Manifest.from_json(found.to_json()) == found


def test_names_in_addresses_do_not_depend_on_other_units() -> None:
    long = "https://example.com/" + "x" * 100 + "/1"
    alone = read(course_structure(au(long)))
    second = read(course_structure(au(long.replace("/1", "/2")) + au(long)))
    assert alone.units[0].slug == second.units[1].slug
    assert len({unit.slug for unit in second.units}) == 2
    assert all(len(unit.slug) < 64 for unit in second.units)


def test_units_that_differ_by_fragment_only() -> None:
    members = "".join(au(f"urn:a:{one}", url=f"index.html#{one}") for one in range(3))
    found = read(course_structure(members))
    assert errors(found) == []
    assert [unit.address for unit in found.units] == [
        "index.html#0",
        "index.html#1",
        "index.html#2",
    ]
    assert {unit.launch for unit in found.units} == {"index.html"}


def test_a_thousand_units_are_read_and_told_once() -> None:
    members = "".join(au(f"urn:a:{one}", attributes="") for one in range(1000))
    found = read(course_structure(members))
    assert len(found.units) == 1000
    assert [one.code for one in found.findings] == ["cmi5_move_on"]
    assert "1000" in found.findings[0].message
    assert len({unit.slug for unit in found.units}) == 1000


def test_many_faults_are_cut() -> None:
    members = "".join(au(f"a{one}") for one in range(100))
    found = read(course_structure(members))
    assert errors(found) == ["cmi5_iri"] * 20
    (rest,) = [one for one in found.findings if one.code == "more_findings"]
    assert "80" in rest.message


def test_deep_nesting_is_read() -> None:
    members = au()
    for number in range(100):
        members = block(f"urn:b:{number}", members)
    found = read(course_structure(members))
    assert errors(found) == []
    assert len(found.headings(found.units[0])) == 100


T = words("T")
RULES = {
    # what may stand where
    "cmi5_missing": [
        course_structure(""),
        course_structure(au(), course=f"<title>{strings('T')}</title>"),
        course_structure(au(), course="<title/>" + T[T.index("<description") :]),
        course_structure(au().replace("<url> index.html </url>", "")),
        course_structure(block("urn:b", "")),
        course_structure(au(), objectives="<objectives/>"),
        course_structure(au(objectives="<objectives/>")),
    ],
    "cmi5_unexpected": [
        course_structure(au(inside="<bogus/>")),
        course_structure(au(), course=T + "<url>x</url>"),
        course_structure(au() + '<x xmlns=""/>'),
        course_structure(
            au(objectives=references("urn:o").replace("/>", "><b/></objective>"))
        ),
        course_structure(au(url="index.html<e:x/>")),
        course_structure(au(), course=T.replace(" T\n", " <b>T</b>")),
    ],
    "cmi5_order": [
        course_structure(
            au(), course=T[T.index("<description") :] + T[: T.index("<desc")]
        ),
        course_structure(au(inside=references("urn:o"))),
        course_structure(au() + f"<objectives>{objective('urn:o')}</objectives>"),
        course_structure("<e:x/>" + au()),
        course_structure(block("urn:b", "<e:x/>" + au())),
    ],
    "cmi5_repeated": [
        course_structure(au(), course=T + T),
        course_structure(au(inside="<url>index.html</url>")),
    ],
    "cmi5_text": [
        course_structure("loose" + au()),
        course_structure(au(inside="loose")),
        course_structure(
            au(objectives=references("urn:o").replace("/>", ">x</objective>"))
        ),
    ],
    "cmi5_attribute": [
        course_structure(au(attributes='moveon="Passed"')),
        course_structure(
            au(attributes='xmlns:c="' + NAMESPACE + '" c:moveOn="Passed"')
        ),
        course_structure(au().replace("<url>", '<url lang="en">')),
        course_structure(
            au(),
            objectives=f"<objectives>{objective('urn:o')}</objectives>".replace(
                "urn:o", 'urn:o" e:x="1'
            ),
        ),
    ],
    "cmi5_attribute_missing": [
        course_structure(au()).replace(' id="https://example.com/course"', ""),
        course_structure(au()).replace(' id="https://example.com/au/1"', ""),
        course_structure(block("urn:b", au())).replace(' id="urn:b"', ""),
    ],
    # ids
    "cmi5_iri": [
        course_structure(au(), identifier="example.com/course"),
        course_structure(au(), identifier=""),
        course_structure(au("au1")),
        course_structure(block("b 1", au())),
        course_structure(au(), objectives=f"<objectives>{objective('o')}</objectives>"),
    ],
    "cmi5_repeated_id": [
        course_structure(au() + au()),
        course_structure(au("https://example.com/course")),
        course_structure(block("urn:b", au()) + block(" urn:b", au("urn:c"))),
        course_structure(block("urn:b", au("urn:b"))),
        course_structure(
            au(), objectives=f"<objectives>{objective('urn:o') * 2}</objectives>"
        ),
    ],
    # values
    "cmi5_value": [
        course_structure(au(attributes='moveOn="passed"')),
        course_structure(au(attributes='moveOn=""')),
        course_structure(au(attributes='launchMethod="Any"')),
        *(
            course_structure(au(attributes=f'masteryScore="{score}"'))
            for score in ("80", "1.01", "-0.1", "0,8", "8e-1", "NaN", "", "٠")
        ),
        course_structure(au(), course=T.replace('"en"', '"en_US"')),
        course_structure(au(), course=T.replace('"en"', '""')),
        course_structure(au(), course=T.replace('"en"', f'"{"a-" * 1_000_000}a"', 1)),
    ],
    # addresses
    "cmi5_url": [
        course_structure(au(url=url))
        for url in (
            "https://example.com/a b",
            "https://example.com/ä",
            "https://example.com/%zz",
            "https://example.com/{a}",
            "https://example.com/a#b#c",
            "https://example.com:x/",
            "https://example.com/?a[0]=1",
        )
    ],
    "cmi5_url_unqualified": [
        course_structure(au(url=url))
        for url in (
            "//example.com/x",
            "https:/x",
            "http://",
            "mailto:a@b.c",
            "https:x",
            "a" * 9000,
        )
    ],
    "cmi5_url_missing": [
        course_structure(au(url=url))
        for url in ("none.html", "../index.html", "?x=1", "#one", "%2e%2e/index.html")
    ],
    "cmi5_url_differs": [
        course_structure(au(url=url)) for url in ("Index.html", "/index.html")
    ],
    "launch_forbidden": [
        course_structure(au(url=url))
        for url in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd")
    ],
    "cmi5_reserved": [
        course_structure(au(url=url))
        for url in (
            "index.html?endpoint=x",
            "index.html?a=b&amp;fetch",
            "index.html?%61ctor=1#x",
            "https://example.com/?registration=",
            "index.html?activityId=1",
        )
    ],
    # the whole
    "cmi5_draft": [
        course_structure(au(), namespace="http://www.aicc.org/2012/01/cmi5"),
        course_structure(au(), namespace="https://w3id.org/xapi/profiles/cmi5/v1"),
    ],
    "cmi5_namespace": [
        course_structure(au(), namespace=""),
        course_structure(au(), namespace="urn:own"),
    ],
}


@pytest.mark.parametrize(
    ("code", "text"),
    [(code, text) for code, texts in RULES.items() for text in texts],
    ids=[f"{code}-{n}" for code, texts in RULES.items() for n in range(len(texts))],
)
def test_each_rule_refuses_and_names_its_section(code: str, text: str) -> None:
    found = read(text)
    assert set(errors(found)) == {code}
    error = next(one for one in found.findings if one.code == code)
    assert error.path == "cmi5.xml"
    assert error.line
    assert "section" in error.message or code == "launch_forbidden"


@pytest.mark.parametrize(
    "text",
    [
        course_structure(au(), identifier="urn:x"),
        course_structure(au(), identifier=" https://example.com/é "),
        course_structure(au(attributes='masteryScore="0"')),
        course_structure(au(attributes='masteryScore="+1.0000"')),
        course_structure(au(attributes='masteryScore=".5"')),
        course_structure(au(attributes='masteryScore="-0"')),
        course_structure(au(attributes='e:extra="1"')),
        course_structure(au(attributes='xml:lang="en"')),
        course_structure(au(inside="<e:keywords><e:k>x</e:k></e:keywords>")),
        course_structure(au(inside="<launchParameters><b/>x</launchParameters>")),
        course_structure(au(), course=T + "<e:x/>"),
        course_structure(au(), course=T.replace(' lang="en"', "")),
        course_structure(au() + "<e:x>text</e:x>"),
        course_structure(au(url="https://example.com/a?b=~c;d,e#/f?g")),
        course_structure(au(url="https://[::1]:8443/a")),
        course_structure(au(url="app://open/this")),
        course_structure(au(url="index.html?Endpoint=1&amp;xfetch=2")),
        course_structure(au(url="./index.html")),
        course_structure(
            au(),
            objectives=f"<objectives>{objective('urn:o')}</objectives>".replace(
                words("Aim"),
                words("Aim")[words("Aim").index("<desc") :]
                + words("Aim")[: words("Aim").index("<desc")],
            ),
        ),
    ],
)
def test_what_the_specification_allows(text: str) -> None:
    assert errors(read(text)) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (course_structure(au(objectives=references("urn:none"))), "cmi5_objective"),
        (
            course_structure(au(attributes='masteryScore="0.33333"')),
            "cmi5_score_places",
        ),
        (course_structure(au(attributes='activityType="quiz"')), "activity_type"),
        (course_structure(au(inside="<e:x/>")), "cmi5_extension"),
        (course_structure(au(title=" ")).replace("Autre", ""), "title_missing"),
    ],
)
def test_what_is_doubtful_is_told(text: str, code: str) -> None:
    found = read(text)
    assert found.is_importable
    assert code in [one.code for one in found.findings]


def test_an_objective_that_is_not_there_is_left_out() -> None:
    found = read(course_structure(au(objectives=references("urn:none"))))
    assert found.units[0].objectives == ()


def test_a_score_keeps_all_its_places() -> None:
    found = read(course_structure(au(attributes='masteryScore="0.33333"')))
    assert found.units[0].mastery_score == Decimal("0.33333")


def test_another_root_is_no_course() -> None:
    with pytest.raises(InvalidPackage) as caught:
        read("<course/>")
    assert caught.value.extra["findings"][0].code == "cmi5_root"


def test_alone_nothing_lies_beside() -> None:
    text = course_structure(au(url="cmi5.xml")).encode()
    contents = Contents(bare_file(io.BytesIO(text), "cmi5.xml"))
    assert errors(read_cmi5(contents, "cmi5.xml", alone=True)) == ["cmi5_url_relative"]
    assert errors(read_cmi5(contents, "cmi5.xml")) == []
