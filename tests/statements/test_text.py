from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.errors import Invalid, InvalidStatement
from statements.text import (
    MAX_DEPTH,
    append,
    is_deeper,
    load,
    open_ended,
    splice,
    split_statements,
    stored_end,
    stored_of,
    without,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)
    ),
    max_leaves=12,
)
OPTIONS = st.sampled_from([0, orjson.OPT_INDENT_2])
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=5)


def spelt(value: Any, option: int) -> bytes:
    return orjson.dumps(value, option=option)


def storable(value: Any) -> bool:
    return "\\u0000" not in orjson.dumps(value).decode()


@given(st.lists(OBJECTS.filter(storable), max_size=5), OPTIONS)
def test_every_item_comes_with_its_own_bytes(
    items: list[dict[str, Any]], option: int
) -> None:
    found = split_statements(spelt(items, option))
    assert [value for value, _ in found] == items
    assert [orjson.loads(raw) for _, raw in found] == items


@given(OBJECTS, OBJECTS, OPTIONS)
def test_members_are_set_in_the_text(
    before: dict[str, Any], members: dict[str, Any], option: int
) -> None:
    after = orjson.loads(splice(spelt(before, option), members))
    kept = {name: item for name, item in before.items() if name not in members}
    given = {name: item for name, item in members.items() if item is not None}
    assert after == kept | given


@given(OBJECTS, OBJECTS, OPTIONS)
def test_members_are_taken_out_of_the_text(
    kept: dict[str, Any], others: dict[str, Any], option: int
) -> None:
    left = {name: item for name, item in kept.items() if name not in others}
    raw = spelt(kept | others, option)
    assert orjson.loads(without(raw, list(others), left)) == left


AUTHORITY = (
    b'{"objectType":"Agent","account":{"homePage":"http://a.example","name":"}"}}'
)


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        (b'{"a":1.50,"stored":"x" , "b":2}', b'{"a":1.50,"b":2}'),
        (b'{"stored":"x","authority" : {"a":{}},"b":2.0}', b'{"b":2.0}'),
        (b'{"b" :2.0, "stored":"x","authority":{"a":{}}}', b'{"b" :2.0}'),
        (b'{"stored":"x"}', b"{}"),
        (b'{"b":{"stored":"x"},"stored":"x"}', b'{"b":{"stored":"x"}}'),
        (b'{"b":"\\"stored\\":","stored":"x"}', b'{"b":"\\"stored\\":"}'),
        (b'{"stored":"x","b":1,"stored":"y"}', b'{"b":1}'),
        (b'{"b":1.0,"authority":' + AUTHORITY + b"}", b'{"b":1.0}'),
        (b'{"b":1.0,"authority":{"member":[{"a":{"b":{}}}]}}', b'{"b":1.0}'),
    ],
)
def test_what_is_left_keeps_its_bytes(raw: bytes, left: bytes) -> None:
    made = without(raw, ("authority", "stored"), orjson.loads(left))
    assert made.replace(b", ", b",") == left


@given(OBJECTS, OBJECTS, OPTIONS)
def test_members_are_added_to_the_text(
    before: dict[str, Any], members: dict[str, Any], option: int
) -> None:
    raw = spelt(before, option)
    added = {n: i for n, i in members.items() if n not in before and i is not None}
    assert orjson.loads(append(raw, added)) == before | added
    if not added:
        assert append(raw, added) == raw


def test_what_is_not_set_keeps_its_bytes() -> None:
    raw = b'{ "a" : 1.50,"stored":"x" , "b":"\\u00e4 } ] , " ,"authority":{"a":[{}]}}'
    made = splice(raw, {"stored": None, "authority": {"c": 1}})
    assert made == b'{"a" : 1.50,"b":"\\u00e4 } ] , ","authority":{"c":1}}'


def test_a_name_is_found_however_it_is_spelt() -> None:
    raw = b'{"\\u0061uthority":1,"authority":2,"b":3}'
    assert splice(raw, {"authority": None}) == b'{"b":3}'


@pytest.mark.parametrize("raw", [b'{"a" :1 }', b'{"a" :1 } \n'])
@pytest.mark.parametrize("microsecond", [0, 120, 999999])
def test_what_the_server_says_comes_last(raw: bytes, microsecond: int) -> None:
    instant = datetime(2026, 3, 2, 17, 0, 0, microsecond, UTC)
    made = open_ended(raw, b'{"b": {}}') + stored_end(instant)
    stored = f"2026-03-02T17:00:00.{microsecond:06}Z"
    assert made.decode() == (
        '{"a" :1 ,"authority":{"b": {}},"stored":"' + stored + '"}'
    )
    assert stored_of(made) == instant


def test_one_statement_keeps_its_bytes() -> None:
    assert split_statements(b' \n{"a" : 1}\r\n') == [({"a": 1}, b'{"a" : 1}')]
    assert split_statements(b"[]") == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b'"x"',
        b"1",
        b"{} {}",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"a":NaN}',
        b'{"a":1e400}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\u0000"}',
        b'{"\\u0000":1}',
        b'{"a":"\\\\\\u0000"}',
        b'[{"a":[{"b":"x\\u0000"}]}]',
        b'{"a":"\x00"}',
        b'{"a":' + b"[" * 300 + b"]" * 300 + b"}",
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'[{"a":"x\\u0000"},{}]',
        b"[{},{]",
        b"[{},{}",
        b"[,{}]",
        b"[{},]",
        b"[{},{}}]",
        b"[{}{}]",
    ],
)
def test_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        split_statements(body)


def test_not_refused() -> None:
    # a backslash before u0000 is a backslash
    assert load(b'"\\\\u0000"') == "\\u0000"
    assert load(b'["\\\\u0000\\n"]') == ["\\u0000\n"]


REPEATED = [
    '{"a":1,"a":1}',
    '{"a":{"b":[{"c":1,"d":2,"c":3}]}}',
    '{"a":1,"\\u0061":2}',
    '{ "a" : 1.50 , "b" : "x" , "a" : 2 }',
    # as many quotation marks as without the second name
    '{"b":"\\u0022\\u0022","a":1,"a":1}',
    '{"a":1e9,"b":"\\u00e9\\/","":0,"":0}',
    '{"a":"\\"","a":"\\""}',
]
DISTINCT = [
    '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}',
    '{"a":"a","b":"\\"a\\":1"}',
    '{"a":"\\u0022","b":"\\u0022a\\u0022:"}',
    '{"A":1,"a":1e300,"b":123456789012345678901234567890}',
]


@pytest.mark.parametrize("spelt", REPEATED)
@pytest.mark.parametrize("around", ["{}", "[{}]", " [ {} ]\n", '[{{"z":1}},{}]'])
def test_a_name_stands_once_in_an_object(spelt: str, around: str) -> None:
    with pytest.raises(Invalid, match="twice"):
        split_statements(around.format(spelt).encode())


@pytest.mark.parametrize("spelt", DISTINCT)
def test_names_may_come_back_elsewhere(spelt: str) -> None:
    assert load(spelt.encode()) == orjson.loads(spelt)
    assert split_statements(f"[{spelt}, {spelt}]".encode())[1][1] == spelt.encode()


@given(OBJECTS.filter(storable), OPTIONS, st.data())
def test_a_name_added_again_is_found(
    value: dict[str, Any], option: int, data: st.DataObject
) -> None:
    raw = spelt({"inside": value}, option)
    assert load(raw) == {"inside": value}
    if value:
        name = data.draw(st.sampled_from(sorted(value)))
        twice = b'{"inside":' + append(spelt(value, option), {name: 1}) + b"}"
        with pytest.raises(Invalid, match="twice"):
            load(twice)


def test_depth_is_not_length() -> None:
    assert not is_deeper([[{}]] * 200, 3)
    value: Any = 1
    for _ in range(MAX_DEPTH):
        value = [value]
    assert not is_deeper(value, MAX_DEPTH)
    assert is_deeper({"a": value}, MAX_DEPTH)


@pytest.mark.parametrize(
    "body",
    [
        b'[{"a":"}, {"},{"b":[{},{}]} , {"c":"{"}]',
        b'[ {"a":"{"},{"b":"}"},{"c":[{"d":{}},{"e":{}}]}\n]',
        b'[{"a":"}"},{"b":"{"}]',
        b'[{"a":"\\"},{\\""},{"b":1}]',
        b'[{"a":[{"b":"{"},{"c":"}"}]},{"d":1}]',
    ],
)
def test_braces_in_texts_do_not_cut(body: bytes) -> None:
    found = split_statements(body)
    assert [value for value, _ in found] == orjson.loads(body)
    assert [orjson.loads(raw) for _, raw in found] == orjson.loads(body)
    assert all(raw in body and raw.endswith(b"}") for _, raw in found)


@given(st.lists(st.sampled_from([*b'{}[]",:\\ au0']), max_size=14).map(bytes))
def test_a_list_is_cut_as_json_says(inside: bytes) -> None:
    body = b'[{"a":' + inside + b"}]"
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        with pytest.raises(Invalid):
            split_statements(body)
    else:
        if all(isinstance(one, dict) for one in value):
            assert [one for one, _ in split_statements(body)] == value


def test_items_are_objects() -> None:
    with pytest.raises(InvalidStatement) as caught:
        split_statements(b'[{}, "x"]')
    assert caught.value.extra["path"] == "$[1]"


TWO = b'[{"a":"x","b":{"c":1}},{"d":"\\u00e9"}]'


@pytest.mark.parametrize("length", range(len(TWO)))
def test_a_list_that_was_cut_off_is_refused(length: int) -> None:
    with pytest.raises(Invalid):
        split_statements(TWO[:length])


@pytest.mark.parametrize("last", [one for one in range(256) if one != ord("]")])
def test_a_list_that_ends_otherwise_is_refused(last: int) -> None:
    with pytest.raises(Invalid):
        split_statements(TWO[:-1] + bytes([last]))
