"""The one way XML enters Rollcall.

`read_xml` decides the encoding itself, refuses document types, and only then hands
text to an lxml parser that loads nothing, resolves nothing and reads no network. What
can be mended without changing the meaning (a byte order mark, a wrong encoding label,
an undeclared prefix) is mended and said so. Answers for T4 of the threat model.
"""

import codecs
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from lxml import etree

from packages.findings import finding, refuse, refuse_as_unsafe
from packages.manifest import Finding

MAXIMUM_BYTES = 10 << 20
MAXIMUM_TAGS = 400_000
MAXIMUM_ATTRIBUTES = 800_000
MAXIMUM_DEPTH = 256
# Looking at all attributes of an element takes time by the square of their number.
MAXIMUM_ATTRIBUTES_AT_ONCE = 256

# Encodings that keep ASCII where it is, or that we recognise by their first bytes. Others
# (UTF-7 above all) can hide markup from the checks below.
_ENCODINGS = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-(?:[1-9]|1[013456])|latin-?1|windows-?125[0-8]"
    r"|cp125[0-8]|koi8-[ru]|shift_?jis|euc-(?:jp|kr)|gb2312|gbk|gb18030|big5",
    re.IGNORECASE,
)
_WIDE = re.compile(r"utf-?16(?:-?[lb]e)?|ucs-?2|iso-10646-ucs-2", re.IGNORECASE)
_DECLARATION = re.compile(r"<\?xml\s[^>]{0,300}?\?>")
_ENCODING = re.compile(
    rb"""<\?xml\s[^>]{0,300}?encoding\s*=\s*["']([^"'>]{1,40})["']"""
)
_PROLOG_PART = re.compile(r"\s+|<!--.*?-->|<\?.*?\?>", re.DOTALL)
_UNDECLARED = re.compile(r"Namespace prefix ([\w.-]+) ")
_ROOT_NAME = re.compile(r"<[^\s/>!?]+")


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed XML file: its root element and what was mended to read it."""

    root: etree._Element
    findings: tuple[Finding, ...]


def read_xml(data: bytes, *, path: str) -> Document:
    """The document in `data`; `path` is named in findings.

    Raises InvalidPackage for XML that cannot be read, UnsafeArchive for XML that tries
    to load or multiply anything.
    """
    if len(data) > MAXIMUM_BYTES:
        refuse_as_unsafe("xml_too_large", path=path, limit=MAXIMUM_BYTES >> 20)
    text, findings = _decode(data, path)
    _check_size(text, path)
    text, blanks = _without_declaration(text, path)
    _refuse_doctype(text, path)
    root, undeclared = _parse(text, path)
    _check_shape(root, path)
    return Document(root, (*findings, *blanks, *undeclared))


def _decode(data: bytes, path: str) -> tuple[str, list[Finding]]:
    """The text, by its byte order mark, its first bytes, or what it declares."""
    marks = (
        (codecs.BOM_UTF8, "utf-8", "UTF-8"),
        (codecs.BOM_UTF32_LE, "", "UTF-32"),
        (codecs.BOM_UTF32_BE, "", "UTF-32"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
    )
    for mark, codec, name in marks:
        if data.startswith(mark):
            if not codec:
                refuse("xml_encoding", path=path, encoding=name)
            found = finding("byte_order_mark", path=path, line=1, encoding=name)
            return _strictly(data[len(mark) :], codec, path), [found]
    for start, codec in ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):
        if data.startswith(start):
            return _strictly(data, codec, path), []
    return _decode_declared(data, path)


def _decode_declared(data: bytes, path: str) -> tuple[str, list[Finding]]:
    match = _ENCODING.match(data.lstrip()[:512])
    said = match[1].decode("ascii", "replace") if match else "UTF-8"
    if _WIDE.fullmatch(said):
        text = _strictly(data, "utf-8", path)
        return text, [
            finding(
                "encoding_mislabelled", path=path, line=1, said=said, encoding="UTF-8"
            )
        ]
    if not _ENCODINGS.fullmatch(said):
        refuse("xml_encoding", path=path, line=1, encoding=said)
    codec = codecs.lookup(said.replace("ISO-8859", "iso8859")).name
    if codec not in {"utf-8", "ascii"}:
        return _decode_legacy(data, codec, said, path)
    try:
        return data.decode(), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        # Windows-1252 leaves five bytes undefined; they become the replacement sign.
        text = data.decode("cp1252", "replace")
        return text, [finding("encoding_guessed", path=path, line=line)]


def _decode_legacy(
    data: bytes, codec: str, said: str, path: str
) -> tuple[str, list[Finding]]:
    """Text in an old encoding; UTF-8 that is labelled as one is recognised."""
    if not data.isascii():
        try:
            text = data.decode()
        except UnicodeDecodeError:
            pass
        else:
            return text, [
                finding(
                    "encoding_mislabelled",
                    path=path,
                    line=1,
                    said=said,
                    encoding="UTF-8",
                )
            ]
    return _strictly(data, codec, path), []


def _strictly(data: bytes, codec: str, path: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = f"the bytes are not {codec}"
        refuse("xml_malformed", path=path, line=line, reason=reason)


def _check_size(text: str, path: str) -> None:
    """Bound what the tree will take in memory before it is built."""
    if text.count("<") > MAXIMUM_TAGS or text.count("=") > MAXIMUM_ATTRIBUTES:
        refuse_as_unsafe("xml_too_large", path=path, limit=MAXIMUM_BYTES >> 20)


def _without_declaration(text: str, path: str) -> tuple[str, list[Finding]]:
    """The text without `<?xml …?>`, line numbers kept."""
    stripped = text.lstrip()
    blank = text[: len(text) - len(stripped)]
    match = _DECLARATION.match(stripped)
    if match is None:
        return text, []
    found = [finding("leading_blanks", path=path, line=1)] if blank else []
    lines = "\n" * (blank.count("\n") + match[0].count("\n"))
    return lines + stripped[match.end() :], found


def _refuse_doctype(text: str, path: str) -> None:
    """No document type at all: entities and outside files come in by it alone."""
    position = 0
    while match := _PROLOG_PART.match(text, position):
        position = match.end()
    if text[position : position + 9].upper() == "<!DOCTYPE":
        line = text.count("\n", 0, position) + 1
        refuse_as_unsafe("xml_doctype", path=path, line=line)


def _parse(text: str, path: str) -> tuple[etree._Element, list[Finding]]:
    findings: list[Finding] = []
    parser = _parser()
    try:
        return _parsed(text, parser), findings
    except etree.XMLSyntaxError as error:
        # The error's own log also holds what other documents of this thread had.
        log: Any = parser.error_log
        messages = [str(entry.message) for entry in log]
        matches = [_UNDECLARED.match(message) for message in messages]
        prefixes = sorted({match[1] for match in matches if match})
        if not prefixes:
            _refuse_malformed(error, path)
    start = _root_position(text)
    declared = "".join(
        f' xmlns:{prefix}="urn:undeclared:{prefix}"' for prefix in prefixes
    )
    rest = _ROOT_NAME.sub(lambda name: name[0] + declared, text[start:], count=1)
    try:
        tree = _parsed(text[:start] + rest, _parser())
    except etree.XMLSyntaxError as error:
        _refuse_malformed(error, path)
    line = text.count("\n", 0, start) + 1
    return tree, [
        finding("undeclared_prefix", path=path, line=line, prefix=prefix)
        for prefix in prefixes
    ]


def _root_position(text: str) -> int:
    position = 0
    while match := _PROLOG_PART.match(text, position):
        position = match.end()
    return position


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )


def _parsed(text: str, parser: etree.XMLParser) -> etree._Element:
    return etree.fromstring(text.encode("utf-8", "surrogatepass"), parser)


def _refuse_malformed(error: etree.XMLSyntaxError, path: str) -> NoReturn:
    if "depth" in (error.msg or ""):
        refuse_as_unsafe("xml_too_deep", path=path, limit=MAXIMUM_DEPTH)
    line = error.lineno or 1
    said = (error.msg or "it cannot be read").strip()
    reason = re.sub(r", line \d+, column \d+.*", "", said, flags=re.DOTALL)
    refuse("xml_malformed", path=path, line=line, reason=reason)


def _check_shape(root: etree._Element, path: str) -> None:
    """Bound depth and attributes, so that whoever walks the tree is done soon."""
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAXIMUM_DEPTH:
            refuse_as_unsafe("xml_too_deep", path=path, limit=MAXIMUM_DEPTH)
        if len(element.attrib) > MAXIMUM_ATTRIBUTES_AT_ONCE:
            refuse_as_unsafe("xml_too_large", path=path, limit=MAXIMUM_BYTES >> 20)
