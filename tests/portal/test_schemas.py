from decimal import Decimal

import pytest

from portal.schemas import ApprovalForm, CourseForm, OfferForm, PublishForm, load_form
from statements.errors import Invalid

FORM = {
    "title": " Reports ",
    "policy": "cops.certificate",
    "transfer": "credit",
    "effective": "2026-01-01",
    "audience": ["sworn"],
}


def test_values_of_a_form() -> None:
    values = load_form(
        PublishForm(), FORM | {"hours": "1.50", "credit": "", "publish": "Publish"}
    )
    assert values["title"] == "Reports"
    assert values["hours"] == Decimal("1.50")
    assert values["credit"] is None
    assert values["course"] is None
    assert values["audience"] == ["sworn"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"hours": "-0.1"}, "hours"),
        ({"hours": "NaN"}, "hours"),
        ({"hours": "1.005"}, "hours"),
        ({"credit": "1e-30"}, "credit"),
        ({"credit": "1000.01"}, "credit"),
        ({"effective": "1999-12-31"}, "effective"),
        ({"effective": "9999-01-01"}, "effective"),
        ({"effective": ""}, "effective"),
        ({"audience": []}, "audience"),
        ({"credit": "Infinity"}, "credit"),
        ({"policy": "no.such"}, "policy"),
        ({"transfer": "post"}, "transfer"),
        ({"effective": "2026-02-30"}, "effective"),
        ({"audience": ["sworn", "pirate"]}, "audience"),
        ({"course": "x"}, "course"),
    ],
)
def test_refusals_name_the_field(change, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        load_form(PublishForm(), FORM | change)
    assert caught.value.extra["field"] == field


def test_an_offer_needs_no_title() -> None:
    values = load_form(OfferForm(), FORM | {"mandates": ["cpt"]})
    assert values["mandates"] == ["cpt"]
    assert "title" not in values
    assert load_form(OfferForm(), FORM)["mandates"] == []


FORMS = [
    (CourseForm(), {"title": "x"}, {"title": None}, "title"),
    (CourseForm(), {"title": "x"}, {"description": "x" * 2001}, "description"),
    (CourseForm(), {"title": "x"}, {"contact": "x" * 501}, "contact"),
    (CourseForm(), {"title": "x"}, {"provider": "x" * 201}, "provider"),
    (ApprovalForm(), {"authority": "A", "day": "2026-01-01"}, {"day": ""}, "day"),
    (ApprovalForm(), {"authority": "A", "day": "2026-01-01"}, {"day": "1"}, "day"),
    (
        ApprovalForm(),
        {"authority": "A", "day": "2026-01-01"},
        {"authority": " "},
        "authority",
    ),
]


@pytest.mark.parametrize(("schema", "sound", "change", "field"), FORMS)
def test_other_forms(schema, sound, change, field: str) -> None:
    assert load_form(schema, sound)
    with pytest.raises(Invalid) as caught:
        load_form(schema, sound | change)
    assert caught.value.extra["field"] == field
