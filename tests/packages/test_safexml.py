"""XML: what is mended, what is refused, and that nothing is ever fetched."""

import ast
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packages import safexml
from packages.safexml import MAXIMUM_BYTES, read_xml
from statements.errors import InvalidPackage, UnsafeArchive

ROOT = Path(__file__).parent.parent.parent
SAID = '<?xml version="1.0" encoding="{}"?>\n<a t="й é"/>'

READABLE = {
    "plain": (b"<a/>", []),
    "declared": (b'<?xml version="1.0" encoding="UTF-8"?><a/>', []),
    "comments around": (b"<!-- x --><?pi y?><a/><!-- z -->", []),
    "bom": (b"\xef\xbb\xbf<a/>", ["byte_order_mark"]),
    "utf-16 with bom": (SAID.format("UTF-16").encode("utf-16"), ["byte_order_mark"]),
    "utf-16 big-endian": (
        b"\xfe\xff" + SAID.format("utf-16").encode("utf-16-be"),
        ["byte_order_mark"],
    ),
    "utf-16 without bom": (SAID.format("utf-16").encode("utf-16-le"), []),
    "bom of another encoding than said": (
        b"\xef\xbb\xbf" + SAID.format("windows-1251").encode(),
        ["byte_order_mark"],
    ),
    "says utf-16, is utf-8": (
        SAID.format("utf-16").encode(),
        ["encoding_mislabelled"],
    ),
    "says latin, is utf-8": (
        SAID.format("iso-8859-1").encode(),
        ["encoding_mislabelled"],
    ),
    "says utf-8, is not": ("<a>é</a>".encode("latin-1"), ["encoding_guessed"]),
    "latin-1": ('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1"), []),
    "windows-1251": (SAID.format("windows-1251").replace("é", "").encode("cp1251"), []),
    "koi8-r": (SAID.format("KOI8-R").replace("é", "").encode("koi8-r"), []),
    "shift-jis": ('<?xml version="1.0" encoding="Shift_JIS"?><a>表</a>'.encode("shift-jis"), []),
    "blanks first": (b'\n \n<?xml version="1.0"?><a/>', ["leading_blanks"]),
    "undeclared prefix": (b'<a><b adlcp:c="1"/></a>', ["undeclared_prefix"]),
    "two undeclared prefixes": (
        b'<x:a><b y:c="1"/></x:a>',
        ["undeclared_prefix", "undeclared_prefix"],
    ),
    "cdata": (b"<a><![CDATA[<b> & ]]></a>", []),
    "character references": (b"<a>&#1081;&amp;&lt;</a>", []),
    "xinclude is only an element": (
        (
            b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include '
            b'href="file:///etc/passwd" parse="text"/></a>'
        ),
        [],
    ),
    "schema locations are only text": (
        (
            b'<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            b'xsi:schemaLocation="urn:x http://127.0.0.1:9/x.xsd"/>'
        ),
        [],
    ),
    "stylesheets are left alone": (
        b'<?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?><a/>',
        [],
    ),
    "256 attributes": (
        b"<a " + b" ".join(b'b%d=""' % n for n in range(256)) + b"/>",
        [],
    ),
    "depth 256": (b"<a>" * 256 + b"</a>" * 256, []),
}  # fmt: skip

ENTITIES = "".join(
    f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(10)
)
UNSAFE = {
    "entity": (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "xml_doctype"),
    "outside entity": (
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        "xml_doctype",
    ),
    "entity over http": (
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]><a>&x;</a>',
        "xml_doctype",
    ),
    "parameter entity": (
        b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/"> %x;]><a/>',
        "xml_doctype",
    ),
    "outside dtd": (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>', "xml_doctype"),
    "public dtd": (b'<!DOCTYPE a PUBLIC "-//X//Y" "x.dtd"><a/>', "xml_doctype"),
    "bare doctype": (b"<!DOCTYPE a><a/>", "xml_doctype"),
    "laughs": (f"<!DOCTYPE a [{ENTITIES}]><a>&e9;</a>".encode(), "xml_doctype"),
    "quadratic": (
        b'<!DOCTYPE a [<!ENTITY x "' + b"y" * 50_000 + b'">]><a>' + b"&x;" * 999 + b"</a>",
        "xml_doctype",
    ),
    "default attribute": (
        b'<!DOCTYPE a [<!ATTLIST a b CDATA "c">]><a/>',
        "xml_doctype",
    ),
    "after comments": (b"<!-- <a> --> <?pi?>\n<!DOCTYPE a []><a/>", "xml_doctype"),
    "in utf-16": (
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a []><a/>'.encode("utf-16"),
        "xml_doctype",
    ),
    "after bom and blanks": (b"\xef\xbb\xbf \n <!DOCTYPE a []><a/>", "xml_doctype"),
    "depth 257": (b"<a>" * 257 + b"</a>" * 257, "xml_too_deep"),
    "depth 200,000": (b"<a>" * 200_000 + b"</a>" * 200_000, "xml_too_deep"),
    "too long": (b"<a>" + b" " * MAXIMUM_BYTES + b"</a>", "xml_too_large"),
    "too many elements": (b"<a>" + b"<b/>" * 400_001 + b"</a>", "xml_too_large"),
    "too many attributes of an element": (
        b"<a><b " + b" ".join(b'b%d=""' % n for n in range(257)) + b"/></a>",
        "xml_too_large",
    ),
    "too many attributes": (
        b"<a " + b" ".join(b'b%d=""' % n for n in range(800_001)) + b"/>",
        "xml_too_large",
    ),
}  # fmt: skip

BROKEN = {
    "nothing": (b"", "xml_malformed"),
    "blanks": (b"  \n ", "xml_malformed"),
    "text": (b"hello", "xml_malformed"),
    "unclosed": (b"<a><b></a>", "xml_malformed"),
    "cut off": (b"<a><b>", "xml_malformed"),
    "two roots": (b"<a/><b/>", "xml_malformed"),
    "ampersand": (b"<a>R & D</a>", "xml_malformed"),
    "html entity": (b"<a>&nbsp;</a>", "xml_malformed"),
    "same attribute twice": (b'<a b="1" b="2"/>', "xml_malformed"),
    "control character": (b"<a>\x01</a>", "xml_malformed"),
    "nul": (b"<a>\0</a>", "xml_malformed"),
    "surrogate": (b"<a>&#xD800;</a>", "xml_malformed"),
    "odd utf-16": (b"\xff\xfe<\0a\0/\0>", "xml_malformed"),
    "wrong latin": (b'<?xml version="1.0" encoding="koi8-r"?><a', "xml_malformed"),
    "bom, then not utf-8": (b"\xef\xbb\xbf<a>\xff</a>", "xml_malformed"),
    "unclosed comment": (b"<!-- x <a/>", "xml_malformed"),
    "prefix and unclosed": (b"<a><x:b></a>", "xml_malformed"),
    "undeclared with a colon in the root": (b"<x:a:b/>", "xml_malformed"),
    "utf-7": (b'<?xml version="1.0" encoding="utf-7"?>+ADw-a/+AD4-', "xml_encoding"),
    "utf-32": ("<a/>".encode("utf-32"), "xml_encoding"),
    "ebcdic": (b'<?xml version="1.0" encoding="cp037"?><a/>', "xml_encoding"),
    "hex codec": (b'<?xml version="1.0" encoding="hex"?><a/>', "xml_encoding"),
    "unknown": (b'<?xml version="1.0" encoding="x"?><a/>', "xml_encoding"),
}


@pytest.mark.parametrize("name", READABLE)
def test_odd_xml_is_read(name: str) -> None:
    data, codes = READABLE[name]
    document = read_xml(data, path="m.xml")
    assert str(document.root.tag).endswith("a")
    assert [one.code for one in document.findings] == codes


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe_xml_is_refused_at_once(name: str) -> None:
    data, code = UNSAFE[name]
    start = time.thread_time()
    with pytest.raises(UnsafeArchive) as caught:
        read_xml(data, path="m.xml")
    assert caught.value.extra["findings"][0].code == code
    assert time.thread_time() - start < 5


@pytest.mark.parametrize("name", BROKEN)
def test_broken_xml_is_explained(name: str) -> None:
    data, code = BROKEN[name]
    with pytest.raises(InvalidPackage) as caught:
        read_xml(data, path="m.xml")
    finding = caught.value.extra["findings"][0]
    assert (finding.code, finding.path) == (code, "m.xml")


def test_our_own_bound_of_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safexml, "MAXIMUM_DEPTH", 3)
    read_xml(b"<a><b><c/><c/></b><b/></a>", path="m.xml")
    with pytest.raises(UnsafeArchive):
        read_xml(b"<a><b><c><d/></c></b></a>", path="m.xml")


def test_text_comes_out_as_written() -> None:
    for data, expected in (
        ("<a>é й 表</a>".encode(), "é й 表"),
        (READABLE["latin-1"][0], "é"),
        (READABLE["shift-jis"][0], "表"),
        (READABLE["says utf-8, is not"][0], "é"),
        (READABLE["cdata"][0], "<b> & "),
    ):
        assert read_xml(data, path="m.xml").root.text == expected
    assert read_xml(READABLE["utf-16 with bom"][0], path="m").root.get("t") == "й é"
    assert read_xml(READABLE["windows-1251"][0], path="m").root.get("t") == "й "


def test_nothing_is_included() -> None:
    root = read_xml(READABLE["xinclude is only an element"][0], path="m.xml").root
    assert [str(text) for text in root.itertext()] == []


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"<a>\n\n<b></a>", 3),
        (b'<?xml version="1.0"\n?>\n<a>\n<b></a>', 4),
        (b'\n\n<?xml version="1.0"?>\n<a>\n&x;</a>', 5),
        (b"<a>\n<x:b/>\n<c></a>", 3),
    ],
)
def test_lines_are_those_of_the_file(data: bytes, line: int) -> None:
    with pytest.raises(InvalidPackage) as caught:
        read_xml(data, path="m.xml")
    assert caught.value.extra["findings"][0].line == line


def test_element_lines_are_those_of_the_file() -> None:
    root = read_xml(b'\n<?xml version="1.0"?>\n<a>\n<b/></a>', path="m.xml").root
    lines: list[Any] = [root.sourceline, root[0].sourceline]
    assert lines == [3, 4]


@given(st.binary(max_size=200) | st.text(alphabet="<>a/=\"' &;!-[]?x:", max_size=60))
@settings(max_examples=1500, deadline=None)
def test_any_bytes_are_answered(data: bytes | str) -> None:
    raw = data if isinstance(data, bytes) else data.encode()
    try:
        read_xml(raw, path="m.xml")
    except (InvalidPackage, UnsafeArchive) as error:
        assert error.extra["findings"]  # noqa: PT017 - either answer is fine


def test_this_is_the_only_way_in() -> None:
    parsers = {"lxml", "xml", "defusedxml", "xmltodict", "bs4"}
    allowed = {
        Path("packages/safexml.py"),
        # names the type of an element, and writes elements
        Path("packages/elements.py"),
        # reads what we wrote ourselves
        Path("packages/samples/pages.py"),
    }
    for house in ("statements", "lrs", "packages", "player", "portal"):
        for path in (ROOT / house).rglob("*.py"):
            imported = {
                name
                for node in ast.walk(ast.parse(path.read_text()))
                for name in _names(node)
                # writing is harmless
                if name != "xml.sax.saxutils"
            }
            if {name.split(".")[0] for name in imported} & parsers:
                assert path.relative_to(ROOT) in allowed
    source = (ROOT / "packages/elements.py").read_text()
    for call in ("fromstring", "etree.parse", "XMLParser", "iterparse", "etree.XML("):
        assert call not in source


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module]
    return []
