"""Odd and hostile packages of cmi5, xAPI and AICC, each with the answer expected.

An answer is what decides: the codes of errors where the package is refused, else the
codes of everything that was said.
"""

from collections.abc import Callable

from tests.packages.make import START_PAGE, package
from tests.packages.test_aicc import AU, CRS, CST, DES, FILES
from tests.packages.test_cmi5 import (
    au,
    block,
    course_structure,
    objective,
    references,
    words,
)
from tests.packages.test_tincanxml import activity, tincan

MEGABYTE = 1 << 20
Made = Callable[[], bytes]
BOMB = "".join(
    f'<!ENTITY e{n} "{"&e" + str(n - 1) + ";" if n else "ha"}{"x" * 9}">'
    for n in range(9)
)


def with_page(files: dict[str, str | bytes], **names: str) -> bytes:
    return package({"index.html": START_PAGE, **files, **names})


def cmi5(text: str, encoding: str = "utf-8") -> Made:
    return lambda: with_page({"cmi5.xml": text.encode(encoding)})


def xapi(text: str) -> Made:
    return lambda: with_page({"tincan.xml": text})


def aicc(**own: str) -> Made:
    """The usual files of a course with some of them replaced."""
    named = {f"c.{ending}": text for ending, text in own.items()}
    return lambda: with_page({**FILES, **named})


def in_folder(folder: str, files: dict[str, str]) -> Made:
    return lambda: with_page({f"{folder}/{name}": text for name, text in files.items()})


def nested(levels: int) -> str:
    members = au()
    for number in range(levels):
        members = block(f"urn:b:{number}", members)
    return course_structure(members)


def many_units(count: int) -> tuple[str, str]:
    """Units of an AICC course, and a row that names them all."""
    rows = "".join(f"A{number},index.html\n" for number in range(count))
    names = ",".join(f"A{number}" for number in range(count))
    return f"System_ID,File_Name\n{rows}", names


def amplified() -> bytes:
    """Prerequisites of sixty nested blocks above nine thousand units."""
    units, names = many_units(9000)
    chain = "".join(f"B{n},B{n + 1}\n" for n in range(59))
    first = "A1|" * 300
    needs = "".join(f'B{n},"{first}A{n}"\n' for n in range(60))
    return aicc(
        au=units,
        cst=f"Block,Member\nROOT,B0\n{chain}B59,{names}\n",
        pre=f"Structure_Element,Prerequisite\n{needs}",
    )()


def amplified_at_once() -> bytes:
    """As many prerequisites of one block as there are units in it."""
    units, names = many_units(19_900)
    needs = "".join(f"B0,A{n}\n" for n in range(19_900))
    return aicc(
        au=units,
        cst=f"Block,Member\nROOT,B0\nB0,{names}\n",
        pre=f"Structure_Element,Prerequisite\n{needs}",
    )()


CMI5: dict[str, tuple[Made, tuple[str, ...]]] = {
    "cmi5": (cmi5(course_structure(au())), ()),
    "cmi5 in utf-16": (
        cmi5(course_structure(au()).replace("utf-8", "utf-16"), "utf-16"),
        ("byte_order_mark",),
    ),
    "cmi5 with a mark": (
        cmi5(course_structure(au()), "utf-8-sig"),
        ("byte_order_mark",),
    ),
    "cmi5 alone": (
        lambda: course_structure(au(url="https://example.com/")).encode(),
        ("unit_elsewhere",),
    ),
    "cmi5 alone and relative": (
        lambda: course_structure(au()).encode(),
        ("cmi5_url_relative",),
    ),
    "cmi5 alone with a document type": (
        lambda: b"<!DOCTYPE courseStructure><courseStructure/>",
        ("xml_doctype",),
    ),
    "cmi5 alone and huge": (
        lambda: b"<courseStructure>" + b" " * (11 * MEGABYTE),
        ("xml_too_large",),
    ),
    "cmi5 laughs": (
        lambda: with_page(
            {
                "cmi5.xml": f"<!DOCTYPE c [{BOMB}]><courseStructure>&e8;</courseStructure>"
            }
        ),
        ("xml_doctype",),
    ),
    "cmi5 in a folder": (
        in_folder("c", {"cmi5.xml": course_structure(au()), "index.html": "x"}),
        ("cmi5_not_at_top",),
    ),
    "cmi5 in capitals": (
        lambda: with_page({"CMI5.XML": course_structure(au())}),
        ("cmi5_file_name",),
    ),
    "cmi5 beside xAPI": (
        lambda: with_page(
            {"cmi5.xml": course_structure(au()), "tincan.xml": tincan(activity())}
        ),
        ("also",),
    ),
    "cmi5 of a draft": (
        cmi5(
            course_structure(au(), namespace="http://aicc.org/CMI5/CourseStructure.xsd")
        ),
        ("cmi5_draft",),
    ),
    "cmi5 without namespace": (
        cmi5(course_structure(au(), namespace="")),
        ("cmi5_namespace",),
    ),
    "cmi5 with another root": (cmi5("<course/>"), ("cmi5_root",)),
    "cmi5 nested deep": (cmi5(nested(200)), ()),
    "cmi5 nested too deep": (cmi5(nested(300)), ("xml_too_deep",)),
    "cmi5 of a thousand units": (
        cmi5(course_structure("".join(au(f"urn:a:{n}") for n in range(1000)))),
        (),
    ),
    "cmi5 of strange elements": (
        cmi5(course_structure("<x/>" * 300_000)),
        ("cmi5_missing", "cmi5_unexpected"),
    ),
    "cmi5 of the same unit": (
        cmi5(course_structure(au() * 2000)),
        ("cmi5_repeated_id",),
    ),
    "cmi5 with an endless id": (
        cmi5(course_structure(au("urn:" + "x" * 5 * MEGABYTE))),
        ("cmi5_iri",),
    ),
    "cmi5 with an endless url": (
        cmi5(course_structure(au(url="index.html?" + "a&amp;" * MEGABYTE))),
        ("cmi5_url_unqualified",),
    ),
    "cmi5 with an endless language": (
        cmi5(
            course_structure(au(), course=words("T").replace("en", "a-" * MEGABYTE, 1))
        ),
        ("cmi5_value",),
    ),
    "cmi5 with an endless score": (
        cmi5(course_structure(au(attributes=f'masteryScore="0.{"3" * MEGABYTE}"'))),
        ("cmi5_value",),
    ),
    "cmi5 of references": (
        cmi5(course_structure(au(objectives=references(*["urn:o"] * 50_000)))),
        ("cmi5_objective", "more_findings"),
    ),
    "cmi5 runs a script": (
        cmi5(course_structure(au(url="javascript:alert(1)"))),
        ("launch_forbidden",),
    ),
    "cmi5 climbs": (
        cmi5(course_structure(au(url="..%2f..%2fetc/passwd"))),
        ("cmi5_url_missing",),
    ),
    "cmi5 takes the endpoint": (
        cmi5(course_structure(au(url="index.html?end%70oint=https://evil.example/"))),
        ("cmi5_reserved",),
    ),
    "cmi5 of objectives": (
        cmi5(
            course_structure(
                au(),
                objectives="<objectives>"
                + "".join(objective(f"urn:o:{n}") for n in range(3000))
                + "</objectives>",
            )
        ),
        (),
    ),
}
XAPI: dict[str, tuple[Made, tuple[str, ...]]] = {
    "xAPI": (xapi(tincan(activity())), ()),
    "xAPI alone": (lambda: tincan(activity()).encode(), ("manifest_alone",)),
    "xAPI in a folder": (
        in_folder("c", {"tincan.xml": tincan(activity()), "index.html": "x"}),
        ("nested_root", "outside_root"),
    ),
    "xAPI in capitals": (
        lambda: with_page({"TinCan.xml": tincan(activity())}),
        ("manifest_case",),
    ),
    "xAPI without namespace": (
        xapi(tincan(activity(), namespace="")),
        ("xapi_namespace",),
    ),
    "xAPI with another root": (xapi("<activities/>"), ("xapi_root",)),
    "xAPI of nothing": (xapi(tincan()), ("no_units",)),
    "xAPI of questions": (xapi(tincan(activity(launch=None))), ("no_units",)),
    "xAPI with a plain id": (xapi(tincan(activity("golf"))), ("xapi_id",)),
    "xAPI twice": (xapi(tincan(activity() * 2)), ("xapi_repeated",)),
    "xAPI elsewhere": (
        xapi(tincan(activity(launch="https://example.com/a?b"))),
        ("unit_elsewhere",),
    ),
    "xAPI runs a script": (
        xapi(tincan(activity(launch="javascript:alert(1)"))),
        ("launch_forbidden",),
    ),
    "xAPI opens a file": (
        xapi(tincan(activity(launch="file:///etc/passwd"))),
        ("launch_forbidden",),
    ),
    "xAPI climbs": (
        xapi(tincan(activity(launch="../../etc/passwd"))),
        ("launch_outside",),
    ),
    "xAPI with an endless launch": (
        xapi(tincan(activity(launch="index.html?" + "a" * MEGABYTE))),
        ("launch_missing",),
    ),
    "xAPI of many activities": (
        xapi(tincan(*(activity(f"urn:a:{n}") for n in range(5000)))),
        (),
    ),
    "xAPI loads an entity": (
        xapi(
            '<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><tincan>&x;</tincan>'
        ),
        ("xml_doctype",),
    ),
}
AICC: dict[str, tuple[Made, tuple[str, ...]]] = {
    "AICC": (aicc(), ()),
    "AICC in a folder": (in_folder("d/e", FILES), ()),
    "AICC in capitals": (
        lambda: with_page({name.upper(): text for name, text in FILES.items()}),
        (),
    ),
    "AICC in utf-16": (
        lambda: with_page(
            {name: text.encode("utf-16") for name, text in FILES.items()}
        ),
        ("text_mark",),
    ),
    "AICC of old windows": (
        lambda: with_page({**FILES, "c.des": DES.replace("L", "É").encode("cp1252")}),
        ("text_encoding",),
    ),
    "AICC of an old mac": (
        lambda: with_page(
            {name: text.replace("\n", "\r") for name, text in FILES.items()}
        ),
        (),
    ),
    "AICC without course file": (
        lambda: with_page({"c.au": AU, "c.des": DES, "c.cst": CST}),
        ("aicc_file_missing",),
    ),
    "AICC without units": (
        lambda: with_page({"c.crs": CRS, "c.des": DES, "c.cst": CST}),
        ("aicc_file_missing",),
    ),
    "AICC twice": (lambda: with_page({**FILES, "d.crs": CRS}), ("several_courses",)),
    "AICC of nothing": (aicc(crs="", au="", des="", cst=""), ("aicc_no_course",)),
    "AICC elsewhere": (
        aicc(au=AU.replace("index.html", "https://example.com/")),
        ("unit_elsewhere",),
    ),
    "AICC runs a script": (
        aicc(au=AU.replace("index.html", "javascript:alert(1)")),
        ("launch_forbidden",),
    ),
    "AICC climbs": (
        aicc(au=AU.replace("index.html", "..\\..\\etc\\passwd")),
        ("launch_outside",),
    ),
    "AICC in a circle": (
        aicc(cst="Block,Member\nROOT,B1\nB1,B2\nB2,B1,A1\n"),
        ("aicc_total", "aicc_twice", "title_missing"),
    ),
    "AICC nested too deep": (
        aicc(cst="Block,Member\n" + "".join(f"B{n},B{n + 1}\n" for n in range(9000))),
        ("aicc_nested",),
    ),
    "AICC of commas": (aicc(au="," * 5 * MEGABYTE), ("aicc_table",)),
    "AICC of quotes": (aicc(au='"' * 5 * MEGABYTE), ("aicc_table",)),
    "AICC of blank lines": (aicc(au="\n" * MEGABYTE), ("aicc_table",)),
    "AICC of an open quote": (
        aicc(des='System_ID,Title\nA1,"' + "x\n" * MEGABYTE),
        ("aicc_table",),
    ),
    "AICC of blanks in a group": (aicc(crs="[" + " " * MEGABYTE + "\n" + CRS), ()),
    "AICC of many units": (
        aicc(au=many_units(9000)[0], cst=f"Block,Member\nROOT,{many_units(9000)[1]}\n"),
        ("aicc_total", "more_findings", "title_missing"),
    ),
    "AICC of many rows": (
        aicc(au="System_ID,File_Name\n" + "A1,index.html\n" * 20_001),
        ("aicc_table",),
    ),
    "AICC multiplies at once": (
        amplified_at_once,
        (
            "aicc_first_long",
            "aicc_total",
            "more_findings",
            "title_missing",
        ),
    ),
    "AICC of many lines": (
        aicc(crs=CRS + "".join(f"{n}=\n" for n in range(500_000))),
        ("aicc_table",),
    ),
    "AICC multiplies": (
        amplified,
        (
            "aicc_first_long",
            "aicc_total",
            "more_findings",
            "title_missing",
        ),
    ),
}
OTHERS = CMI5 | XAPI | AICC
