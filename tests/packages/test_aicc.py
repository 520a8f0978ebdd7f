"""AICC courses: what their files become, and what is missing or inconsistent."""

import io
from decimal import Decimal

import pytest

from packages.aicc import read_aicc
from packages.archive import open_archive
from packages.contents import Contents
from packages.manifest import Manifest
from statements.errors import InvalidPackage
from tests.packages.make import package

CRS = (
    "[Course]\nCourse_Creator=Maker\nCourse_ID=C-1\nCourse_System=HTML\n"
    "Course_Title=First aid\nLevel=1\nMax_Fields_CST=2\nTotal_AUs=1\nTotal_Blocks=0\n"
    "Version=4.0\n[Course_Behavior]\nMax_Normal=9\n[Course_Description]\nAbout it\n"
)
AU = '"System_ID","File_Name"\n"A1","index.html"\n'
DES = '"System_ID","Developer_ID","Title","Description"\n"A1","d","Lesson","Long"\n'
CST = '"Block","Member"\n"ROOT","A1"\n'
FILES = {"c.crs": CRS, "c.au": AU, "c.des": DES, "c.cst": CST}


def read(
    files: dict[str, str] | None = None, *names: str, marker: str = "c.crs", **own: str
) -> Manifest:
    """The course of these files; `au="…"` replaces one of the usual ones."""
    named = {f"c.{ending}": text for ending, text in own.items()}
    held: dict[str, str | bytes] = {**(FILES if files is None else files), **named}
    held.update(dict.fromkeys(names or ("index.html",), "x"))
    contents = Contents(open_archive(io.BytesIO(package(held))))
    return read_aicc(contents, marker)


def codes(found: Manifest) -> list[str]:
    return [one.code for one in found.findings]


def test_a_small_course() -> None:
    found = read()
    assert codes(found) == []
    assert (found.standard, found.edition) == ("aicc", "4.0")
    assert (found.identifier, found.title) == ("C-1", "First aid")
    assert (found.description, found.publisher) == ("About it", "Maker")
    (unit,) = found.units
    assert (unit.kind, unit.identifier, unit.slug) == ("au", "A1", "A1")
    assert (unit.title, unit.description) == ("Lesson", "Long")
    assert (unit.launch, unit.parameters, unit.block) == ("index.html", "", None)
    assert Manifest.from_json(found.to_json()) == found


def test_a_whole_course() -> None:
    found = read(
        None,
        "a/one.html",
        "two.html",
        crs=CRS.replace("AUs=1", "AUs=3").replace("Blocks=0", "Blocks=2"),
        au=(
            "File_Name,system id,MASTERY_SCORE,Max_Score,Max_Time_Allowed,"
            "Time_Limit_Action,Core_Vendor,Web_Launch\n"
            'a\\one.html,A1,80,100,00:30:00,"E,M","x=1\ny=2","lang=en&m=1"\n'
            '"two.html?a=1#b",A2,,,00:00:00,,,c=2\n'
            "https://example.com/z?q,A3,75.5,,0001:30:00.5,continue no message,,\n"
        ),
        des=(
            "Title,System_ID,Description\nOne,a1,\nTwo,A2,\nThree,A3,\n"
            'Outer,B1,"All, of it"\nInner,B2,\nAim,J1,"To\nhelp"\nIdle,J2,\n'
        ),
        cst="Block,Member,Member\nROOT,B1,A3\nB1,A1,B2\nB2,A2\n",
        pre="Structure_Element,Prerequisite\nA2,A1\nB2,A1|A3\nA3,~A2\n",
        ort="Course_Element,Member,Member\nA1,J1,J3\nB2,J1\n",
        cmp="Structure_Element,Requirement,Result\nA1,A1=passed,completed\n",
    )
    assert [one.code for one in found.findings if one.severity == "error"] == []
    assert [(one.title, one.parent) for one in found.blocks] == [
        ("Outer", None),
        ("Inner", 0),
    ]
    assert found.blocks[0].description == "All, of it"
    assert found.blocks[1].objectives == ("J1",)
    one, two, three = found.units
    assert [found.headings(unit) for unit in found.units] == [
        ["Outer"],
        ["Outer", "Inner"],
        [],
    ]
    assert (one.address, one.mastery_score) == (
        "a/one.html?lang=en&m=1",
        Decimal(80),
    )
    assert (one.max_time, one.time_limit_action) == ("00:30:00", "E,M")
    assert (one.data_from_lms, one.objectives) == ("x=1\ny=2", ("J1", "J3"))
    assert (two.address, two.max_time) == ("two.html?a=1&c=2#b", "")
    assert two.prerequisites == "(A1|A3)&(A1)"
    assert (two.mastery_score, two.time_limit_action) == (None, "")
    assert (three.launch, three.parameters) == ("https://example.com/z", "?q")
    assert (three.mastery_score, three.prerequisites) == (Decimal("75.5"), "~A2")
    assert (three.max_time, three.time_limit_action) == (
        "0001:30:00.5",
        "continue no message",
    )
    assert [(each.identifier, each.title) for each in found.objectives] == [
        ("J1", "Aim"),
        ("J3", "J3"),
        ("J2", "Idle"),
    ]
    assert found.objectives[0].description == "To\nhelp"
    assert set(codes(found)) == {
        "launch_repaired",
        "unit_elsewhere",
        "prerequisites",
        "aicc_completion",
    }


@pytest.mark.parametrize("folder", ["", "aicc/", "a/b/c/"])
def test_files_lie_in_any_folder_and_case(folder: str) -> None:
    names = {"C.CRS": CRS, "c.AU": AU, "C.des": DES, "c.Cst": CST}
    files = {folder + name: text for name, text in names.items()}
    found = read(files, marker=f"{folder}C.CRS")
    assert [unit.launch for unit in found.units] == ["index.html"]
    assert codes(found) == []


def test_start_pages_lie_beside_the_description_first() -> None:
    files = {f"d/{name}": text for name, text in FILES.items()}
    found = read(files, "index.html", "d/index.html", marker="d/c.crs")
    assert found.units[0].launch == "d/index.html"
    up = {**files, "d/c.au": AU.replace("index", "../index")}
    assert read(up, marker="d/c.crs").units[0].launch == "index.html"


def test_files_of_another_name_are_taken_when_there_is_one() -> None:
    files = {"c.crs": CRS, "other.au": AU, "c.des": DES, "x.des": "", "y.cst": CST}
    found = read(files)
    assert codes(found) == ["aicc_file_name", "aicc_file_name"]
    assert found.units[0].title == "Lesson"


@pytest.mark.parametrize(
    ("own", "code"),
    [
        ({"crs": "[Other]\nx=y\n"}, "aicc_no_course"),
        ({"crs": ""}, "aicc_no_course"),
        ({"cst": "Block,Member\n" + "".join(f"B{n},B{n + 1}\n" for n in range(99))},
         "aicc_nested"),
        ({"au": "A\n" + "1\n" * 20_001}, "aicc_table"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(own: dict[str, str], code: str) -> None:
    with pytest.raises(InvalidPackage) as caught:
        read(None, **own)
    assert caught.value.extra["findings"][0].code == code


def test_two_courses_side_by_side_are_refused() -> None:
    with pytest.raises(InvalidPackage) as caught:
        read({**FILES, "d.crs": CRS})
    assert caught.value.extra["findings"][0].code == "several_courses"


def one_unit(columns: str, values: str) -> str:
    return f"System_ID,File_Name,{columns}\nA1,index.html,{values}\n"


@pytest.mark.parametrize(
    ("own", "code", "severity"),
    [
        ({"au": AU.replace("index.html", "")}, "launch_empty", "error"),
        ({"au": AU.replace("index", "none")}, "launch_missing", "error"),
        ({"au": AU.replace("index", "../index")}, "launch_outside", "error"),
        ({"au": AU.replace("index.html", "javascript:x")}, "launch_forbidden", "error"),
        ({"au": AU.replace("index.html", "//a/x")}, "launch_forbidden", "error"),
        ({"au": "Name,File\nA1,index.html\n"}, "aicc_columns", "error"),
        ({"au": "System_ID,File_Name\n", "cst": CST}, "no_units", "error"),
        ({"des": "ID,Title\nA1,x\n"}, "aicc_columns_missing", "warning"),
        ({"des": "System_ID,Title\nA2,x\n"}, "title_missing", "repair"),
        ({"cst": "ROOT,A1\n"}, "aicc_positions", "repair"),
        ({"cst": "From,To\nROOT,A1\n"}, "aicc_positions", "repair"),
        ({"cst": CST + "ROOT,A1\n"}, "aicc_twice", "warning"),
        ({"cst": CST + "ROOT,A9\n"}, "aicc_unknown", "warning"),
        ({"cst": "Block,Member\nROOT,\n"}, "aicc_unplaced", "warning"),
        ({"cst": CST + ",A1\n", "au": AU + ",x.html\n"}, "aicc_row", "warning"),
        ({"au": AU + "a1,x.html\n"}, "identifier_repeated", "warning"),
        ({"au": one_unit("Mastery_Score", "80%")}, "mastery_score", "warning"),
        ({"au": one_unit("Mastery_Score", "101")}, "mastery_score", "warning"),
        ({"au": one_unit("Max_Time_Allowed", "30 min")}, "time_limit", "warning"),
        ({"au": one_unit("Time_Limit_Action", "now")}, "aicc_limit_action", "warning"),
        ({"au": AU.replace("index", "Index")}, "launch_repaired", "repair"),
        ({"pre": "Structure_Element,Prerequisite\nA1,A7\n"}, "aicc_first", "warning"),
        (
            {"pre": f"Structure_Element,Prerequisite\nA1,{'A1|' * 400}A1\n"},
            "aicc_first_long",
            "warning",
        ),
        ({"pre": "one,two\nA1,A1\n"}, "aicc_positions", "repair"),
        ({"ort": "one,two\nA1,J1\n"}, "aicc_positions", "repair"),
        ({"crs": CRS.replace("AUs=1", "AUs=2")}, "aicc_total", "info"),
        ({"crs": CRS.replace("Blocks=0", "Blocks=9")}, "aicc_total", "info"),
        ({"crs": CRS.replace("Version=4.0\n", "")}, "aicc_fields", "info"),
        ({"crs": CRS.replace("First aid", "")}, "title_missing", "repair"),
        ({"des": DES + 'x,"'}, "aicc_quotes", "warning"),
    ],
)
def test_what_is_wrong_is_told(own: dict[str, str], code: str, severity: str) -> None:
    found = read(None, **own)
    told = {one.code: one for one in found.findings}
    assert code in told
    assert told[code].severity == severity
    assert told[code].path
    assert found.is_importable == (severity != "error")


@pytest.mark.parametrize("ending", ["au", "des", "cst"])
def test_each_needed_file_is_asked_for(ending: str) -> None:
    files = {name: text for name, text in FILES.items() if name != f"c.{ending}"}
    found = read(files)
    assert codes(found)[0] == "aicc_file_missing"
    assert f".{ending}" in found.findings[0].message
    assert not found.is_importable


def test_relations_by_objective_are_understood() -> None:
    found = read(
        None,
        ort=(
            "objective_id,objective_description,au_system_id\n"
            "OBJ-1,Help others,A1\nOBJ-2,,A1\n"
        ),
    )
    assert found.units[0].objectives == ("OBJ-1", "OBJ-2")
    assert found.objectives[0].description == "Help others"
    assert codes(found) == []


def test_a_unit_that_holds_others_is_a_heading_too() -> None:
    found = read(
        None,
        crs=CRS.replace("AUs=1", "AUs=2").replace("Blocks=0", "Blocks=1"),
        au=AU + "A2,index.html\n",
        des=DES + "A2,,Second,\n",
        cst=CST + "A1,A2\n",
    )
    assert [(unit.title, found.headings(unit)) for unit in found.units] == [
        ("Lesson", []),
        ("Second", ["Lesson"]),
    ]


def test_without_a_root_the_outermost_blocks_are_headings() -> None:
    two = {"au": AU + "A2,index.html\n", "des": DES + "A2,,Second,\nB1,,X,\nB2,,Y,\n"}
    found = read(None, cst="Block,Member\nB1,A1\nB2,A2\n", **two)
    assert [found.headings(unit) for unit in found.units] == [["X"], ["Y"]]
    alone = read(None, cst="Block,Member\nB1,A1,A2\n", **two)
    assert [alone.headings(unit) for unit in alone.units] == [[], []]
    around = read(None, cst="Block,Member\nB1,B2\nB2,B1,A1,A2\n", **two)
    assert len(around.units) == 2


def test_many_units_in_one_row() -> None:
    count = 1000
    au = "System_ID,File_Name\n" + "".join(
        f"A{one},index.html?{one}\n" for one in range(count)
    )
    des = "System_ID,Title\n" + "".join(f"A{one},T{one}\n" for one in range(count))
    cst = "Block,Member\nROOT," + ",".join(f"A{one}" for one in range(count))
    crs = CRS.replace("AUs=1", f"AUs={count}")
    found = read(None, au=au, des=des, cst=cst, crs=crs)
    assert codes(found) == []
    assert [unit.title for unit in found.units] == [f"T{one}" for one in range(count)]


def test_many_faults_are_cut() -> None:
    au = "System_ID,File_Name\n" + "".join(f"A{one},no.html\n" for one in range(50))
    found = read(None, au=au)
    assert codes(found).count("launch_missing") == 20
    assert "more_findings" in codes(found)


def test_what_is_too_long_is_cut() -> None:
    found = read(crs=CRS.replace("Version=4.0", "Version=" + "4.0 " * 100))
    assert found.edition == ("4.0 " * 10)[:40]
    assert found.units


@pytest.mark.parametrize(
    ("mastery", "most", "wanted"),
    [
        ("8", "10", "80"),
        ("150", "200", "75"),
        ("1", "3", "33.3333333"),
        ("80", "10", "80"),
        ("80", "0", "80"),
        ("", "10", None),
    ],
)
def test_mastery_is_of_a_hundred(mastery: str, most: str, wanted: str | None) -> None:
    found = read(
        None,
        "index.html",
        au=(
            "System_ID,File_Name,Mastery_Score,Max_Score,AU_Password\n"
            f"A1,index.html,{mastery},{most},secret\n"
        ),
    )
    (unit,) = found.units
    assert unit.mastery_score == (None if wanted is None else Decimal(wanted))
    assert unit.entitlement_key == "secret"
