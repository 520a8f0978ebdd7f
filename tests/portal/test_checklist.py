"""The list refuses by what is required alone; what it asks is in test_releases."""

from __future__ import annotations

import pytest

from portal.checklist import Item, NotReady, require_ready


def item(key: str, *, is_met: bool, is_required: bool = True) -> Item:
    return Item(
        key=key,
        title=f"{key} holds",
        text="Mend it.",
        is_met=is_met,
        is_required=is_required,
        place="about",
    )


READY = {
    "nothing asked": [],
    "all met": [item("a", is_met=True), item("b", is_met=True)],
    "advice alone is open": [item("a", is_met=False, is_required=False)],
    "left out": [item("roles", is_met=False)],
}


@pytest.mark.parametrize("name", READY)
def test_ready(name: str) -> None:
    require_ready(READY[name], but=frozenset({"roles"}))


def test_every_reason_is_told() -> None:
    items = [
        item("a", is_met=False),
        item("b", is_met=True),
        item("c", is_met=False, is_required=False),
        item("d", is_met=False),
    ]
    with pytest.raises(NotReady) as refused:
        require_ready(items)
    assert refused.value.extra == {"missing": ["a", "d"]}
    assert refused.value.detail == "a holds: Mend it. d holds: Mend it."


@pytest.mark.parametrize(
    ("keys", "field", "told"),
    [
        (["hours"], "hours", "Mend it."),
        (["title"], "title", "Mend it."),
        (["offer"], "", "offer holds: Mend it."),
        (["title", "hours"], "", "Mend it. Mend it."),
    ],
)
def test_one_reason_alone_is_told_at_its_field(
    keys: list[str], field: str, told: str
) -> None:
    with pytest.raises(NotReady) as refused:
        require_ready([item(key, is_met=False) for key in keys])
    assert (refused.value.field, refused.value.detail) == (field, told)
