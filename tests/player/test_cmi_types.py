"""The types of SCORM 2004 values, form by form (RTE 4.1.1 and 4.2.9)."""

import pytest

from player import cmi
from player.cmi_types import has_type, problem_of, sameness, types_of

TYPES = types_of(cmi.elements_of("scorm_2004").source["types"])

HELD = {
    "language": ["en", "EN", "en-US", "zh-min-nan", "i-klingon", "x-own", "deu"],
    "preferred_language": ["", "fr-CA"],
    "localized250": ["", "text", "{lang=en}text", "{lang=en}", "{lang=de}{lang=zz}"],
    "localized4000": ["{other=1}text", "{lang text", "a\nb"],
    "long_identifier": ["urn:a:b", "urn:adl:test/1", "q1", "http://x.test/1", "ü"],
    "short_identifier": ["a", "a.b", "x" * 300, "choice_1"],
    "real": ["1", "-0.5", ".5", "5.", "7.000099999887765544"],
    "scaled": ["-1", "1", "1.0", "0"],
    "fraction": ["0", "1", "0.5"],
    "preference": ["0", "99999"],
    "timeinterval": ["PT0S", "P1Y6M14DT4H15M6.34S", "P14D", "PT01H059M020S", "P6M"],
    "time": [
        "2004",
        "2038-12-31",
        "2004-04-01T15",
        "2004-04-01T09:45:58",
        "2004-04-01T09:45:58.2",
        "2004-04-01T09:45:58.55Z",
        "2004-04-01T09:45:58.55-03:00",
        "2004-04-01T09:45:58.55+02",
    ],
    "choice": ["", "a", "a[,]b"],
    "sequencing": ["a", "a[,]a[,]b"],
    "matching": ["a[.]b", "a[.]1[,]a[.]2"],
    "performance": ["a[.]b", "[.]b", "a[.]", "a[.]b[,]c[.]1[:]5"],
    "fill_in": ["", " ", "[,]", "{lang=en}a[,]b", "{}{[]}"],
    "true_false_pattern": ["true", "false"],
    "choice_pattern": ["", "b[,]a"],
    "fill_in_pattern": [
        "",
        "{case_matters=true}{order_matters=false}a[,]{lang=fr}b",
        "{order_matters=true}{case_matters=false}{lang=en}z",
        "{lang=en}{case_matters=neither}z",
    ],
    "long_fill_in_pattern": [
        "{case_matters=true}{lang=en}z",
        "{lang=en}{case_matters=true}z",
        "{order_matters=never}z",
    ],
    "performance_pattern": ["{order_matters=false}a[.]b"],
    "numeric_pattern": ["3[:]10", "[:]", "[:]5", "5[:]", "-1[:]-1.0"],
    "navigation": ["continue", "_none_", "{target=_.a.1}choice", "{target=a}jump"],
}
REFUSED = {
    "language": ["", "sp", "frl", "english", "en_US", "-en", "en-", "ruq-JM"],
    "preferred_language": ["xx", " "],
    "localized250": ["{lang=}a", "{lang=zz}a", "x" * 4001],
    "long_identifier": ["", "urn:", "urn:a", "a b", "{a}", "a\n", "\u00a0"],
    "short_identifier": ["", "a[.]b", "{}", "a b", "x" * 4001],
    "real": ["", "1,5", "1e3", "+1", "--1", "NaN", "1.2.3", "."],
    "timeinterval": ["", "P", "PT", "P1DT", "1Y", "P1Y6M14D4H", "PT1.234S", "PT1.S"],
    "time": [
        "",
        "1969",
        "2039",
        "2004-4",
        "2004-13",
        "2004-04-01T",
        "2004-04-01T9",
        "2004-04-01T15Z",
        "2004-04-01T09:45:58Z",
        "2004-04-01T09:45:58.025",
        "2004-04-01T09:45:58.55Z+02:30",
        "2004-04-01T24",
    ],
    "choice": ["[,]", "a[,]a", "a[,]", "{a}"],
    "sequencing": ["", "[,]a"],
    "matching": ["", "a", "a[.]", "a[.]b[.]c", "a[.]b[,]c"],
    "performance": ["", "a", "[.]", "a[.]b[.]c", "[,]a[.]b"],
    "fill_in": ["{lang=zz}a", "a[,]{lang=}b"],
    "true_false_pattern": ["", "t", "TRUE"],
    "fill_in_pattern": ["{case_matters=maybe}a", "{case_matters=true}{lang=zz}a"],
    "long_fill_in_pattern": ["{lang=zz}a", "{lang=en}{case_matters=no}a"],
    "performance_pattern": ["{order_matters=no}a[.]b"],
    "numeric_pattern": ["", "5", "10[:]3", "a[:]b", "1[:]2[:]3"],
    "navigation": ["", "next", "{target=}choice", "{target=a}continue"],
}


@pytest.mark.parametrize("name", HELD)
def test_a_type_holds(name: str) -> None:
    assert [text for text in HELD[name] if not has_type(TYPES[name], text)] == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_type_refuses(name: str) -> None:
    assert [text for text in REFUSED[name] if has_type(TYPES[name], text)] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("scaled", "-1.0000001"),
        ("scaled", "1.00009999"),
        ("fraction", "-0.1"),
        ("preference", "-1"),
    ],
)
def test_out_of_range_is_told_from_a_wrong_form(name: str, text: str) -> None:
    assert problem_of(TYPES[name], text) == "range"


def test_a_set_of_choices_is_the_same_in_any_order() -> None:
    choice = TYPES["choice_pattern"]
    assert sameness(choice, "a[,]b") == sameness(choice, "b[,]a")
    assert sameness(choice, "a") != sameness(choice, "b")
    order = TYPES["sequencing"]
    assert sameness(order, "a[,]b") != sameness(order, "b[,]a")
