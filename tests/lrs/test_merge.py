from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.merge import members, merge
from statements.errors import Invalid

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=8)


@pytest.mark.parametrize(
    ("old", "posted", "merged"),
    [
        (b"{}", b"{}", b"{}"),
        (b"{}", b' { "a" : 1 } ', b'{"a" : 1}'),
        (
            b'{"x":"foo","y":"bar"}',
            b'{"x":"bash","z":"faz"}',
            b'{"x":"bash","y":"bar","z":"faz"}',
        ),
        # one level deep: a value goes as a whole
        (b'{"a":{"b":1,"c":2}}', b'{"a":{"b":3}}', b'{"a":{"b":3}}'),
        (b'{"a":1}', b'{"a":null}', b'{"a":null}'),
        # what is not touched keeps its spelling, whatever it is
        (
            b'{"n":1.500e+400, "i":1%s, "\\u00e4 \xc3\xa4":"\\u00e4\\/ \xc3\xa4"}'
            % (b"0" * 5000),
            b'{"d":0.1000,"e":[ 1 , 2 ]}',
            b'{"n":1.500e+400,"i":1%s,"\\u00e4 \xc3\xa4":"\\u00e4\\/ \xc3\xa4","d":0.1000,"e":[ 1 , 2 ]}'
            % (b"0" * 5000),
        ),
        # two spellings of one name; a name given twice
        (b'{"\\u0061":1}', b'{"a":2}', b'{"a":2}'),
        (b'{"a":1,"a":2}', b'{"b":3,"b":4}', b'{"a":2,"b":4}'),
        (b'{"a":"}"}', b'{"b":"\\"{,"}', b'{"a":"}","b":"\\"{,"}'),
        (b'{"\\ud800":"\\udfff"}', b"{}", b'{"\\ud800":"\\udfff"}'),
        (b' {\n"a"\t:\r1 , "b" : [ ] } \n', b"{}", b'{"a"\t:\r1,"b" : [ ]}'),
        (b'{"":1}', b'{"\\n":2}', b'{"":1,"\\n":2}'),
    ],
)
def test_members_are_set(old: bytes, posted: bytes, merged: bytes) -> None:
    assert merge(members(old), members(posted)) == merged


@given(OBJECTS, OBJECTS)
def test_it_is_what_python_does_with_dictionaries(
    old: dict[str, object], posted: dict[str, object]
) -> None:
    texts = (orjson.dumps(old, option=orjson.OPT_INDENT_2), orjson.dumps(posted))
    merged = merge(*map(members, texts))
    assert orjson.loads(merged) == old | posted


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"{",
        b"[]",
        b"1",
        b'"{}"',
        b"null",
        b'{"a":1}{',
        b'{"a":1',
        b'{"a":1,',
        b'{"a":1,}',
        b'{"a" 1}',
        b'{"a":}',
        b'{"a":1 "b":2}',
        b'{"a":1]',
        b"{1:2}",
        b"{[]:2}",
        b'{"a":"\n"}',
        b'{"a":-Infinity}',
        b'{"a":[NaN]}',
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":"\xff"}',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'{"a":' + b"[" * 990 + b"]" * 990 + b"}",
    ],
    ids=lambda text: text[:12].decode("latin-1"),
)
def test_anything_else_is_refused(text: bytes) -> None:
    with pytest.raises(Invalid):
        members(text)
