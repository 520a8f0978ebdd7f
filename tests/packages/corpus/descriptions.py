"""Odd and hostile course descriptions, each with the answer that is expected.

An answer is what decides: the codes of errors where the package is refused, else the
codes of everything else that was said, in alphabetical order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.packages.make import (
    NAMESPACES_12,
    NAMESPACES_2004,
    START_PAGE,
    Item,
    manifest,
    package,
)


@dataclass
class Description:
    """An `imsmanifest.xml`, the files beside it, and what is said of them."""

    text: Callable[[], str | bytes]
    answer: tuple[str, ...] = ()
    files: dict[str, str | bytes] = field(
        default_factory=lambda: {"index.html": START_PAGE}
    )


def packaged(one: Description) -> bytes:
    return package({"imsmanifest.xml": one.text()} | one.files)


def of_12(*items: Item, **words: Any) -> Callable[[], str]:
    return lambda: manifest(*items, **words)


def of_2004(*items: Item, **words: str) -> Callable[[], str]:
    given = {
        "namespaces": NAMESPACES_2004,
        "version": "2004 4th Edition",
        "spelled": "adlcp:scormType",
    } | words
    return lambda: manifest(*items, **given)


def inside(text: str, **words: str) -> Callable[[], str]:
    """A course of SCORM 2004 with something inside its only item."""
    return of_2004(Item(inside=text), **words)


def said(encoding: str, codec: str) -> Callable[[], bytes]:
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>\n'
    return lambda: manifest(title="Урок", declaration=declaration).encode(codec)


def before_end(text: str, source: Callable[[], str] | None = None) -> Callable[[], str]:
    whole = source or of_12()
    return lambda: whole().replace("</manifest>", text + "</manifest>")


def in_resources(make: Callable[[], str]) -> Callable[[], str]:
    return lambda: manifest().replace("</resources>", make() + "</resources>")


def items(count: int, text: str) -> Callable[[], str]:
    """Many items like `text`, in which `{n}` is the number."""
    return lambda: manifest().replace(
        "</organization>",
        "".join(text.replace("{n}", str(n)) for n in range(count)) + "</organization>",
    )


def nested(depth: int) -> Callable[[], str]:
    whole = '<item identifier="leaf" identifierref="r-item-1"><title>L</title></item>'
    for n in range(depth):
        whole = f'<item identifier="h{n}"><title>H</title>{whole}</item>'
    return lambda: manifest().replace("</organization>", whole + "</organization>")


def doctype(text: str) -> Callable[[], str]:
    return lambda: manifest().replace("<manifest", f"<!DOCTYPE {text}>\n<manifest", 1)


def lom(text: str) -> Callable[[], str]:
    return of_12(metadata=f"<lom><general><title>T</title></general>{text}</lom>")


def sequenced(text: str, **words: str) -> Callable[[], str]:
    return inside(f"<imsss:sequencing>{text}</imsss:sequencing>", **words)


def shared_bomb() -> str:
    """A collection of much that many activities refer to."""
    many = "<imsss:auxiliaryResource/>" * 20_000
    collection = (
        '<imsss:sequencingCollection><imsss:sequencing ID="s"><imsss:auxiliaryResources>'
        f"{many}</imsss:auxiliaryResources></imsss:sequencing></imsss:sequencingCollection>"
    )
    refers = '<imsss:sequencing IDRef="s"/>'
    each = f'<item identifier="i{{}}" identifierref="r-item-1"><title>T</title>{refers}</item>'
    whole = "".join(each.format(n) for n in range(9000))
    return (
        of_2004()()
        .replace("</organization>", whole + "</organization>")
        .replace("</manifest>", collection + "</manifest>")
    )


def below_many_headings() -> str:
    """Nine thousand units below thirty headings with long titles."""
    title = "Test of a chapter " * 27
    unit = '<item identifier="u{}" identifierref="r-item-1"><title>U</title></item>'
    whole = "".join(unit.format(n) for n in range(9000))
    for n in range(30):
        whole = f'<item identifier="h{n}"><title>{title}</title>{whole}</item>'
    return manifest().replace("</organization>", whole + "</organization>")


def based() -> str:
    """Thousands of items whose resource lies in folders of very long names."""
    base = f'xml:base="{"%61" * 1300}/"'
    unit = '<item identifier="i{}" identifierref="r-item-1"><title>T</title></item>'
    whole = "".join(unit.format(n) for n in range(9000))
    text = manifest(Item(base="%61" * 1300 + "/"), root=base, resources=f" {base}")
    return text.replace("</organization>", whole + "</organization>")


def many_spaces() -> str:
    """Rules of another vendor, in a manifest that names many vocabularies."""
    spaces = " ".join(f'xmlns:v{n}="urn:{"v" * 40}{n}"' for n in range(1000))
    text = sequenced("<v1:rule/>" * 2000)()
    return text.replace("<manifest ", f"<manifest {spaces} ", 1)


LONG_RULE = f'<imsss:auxiliaryResource purpose="{"x" * (1 << 20)}"/>'
INNER = '<manifest identifier="inner"><resources/></manifest>'
SECOND = '<item identifier="i2" identifierref="r-item-1"><title>Two</title></item>'
LAUGHS = "".join(
    f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(10)
)
BASED = Item(base="c/")
BOTH = NAMESPACES_12 + ' xmlns:a="http://www.adlnet.org/xsd/adlcp_v1p3"'

DESCRIPTIONS: dict[str, Description] = {
    # --- how it is written
    "plain": Description(of_12()),
    "mark of utf-8": Description(
        lambda: b"\xef\xbb\xbf" + manifest().encode(), ("byte_order_mark",)
    ),
    "utf-16": Description(said("UTF-16", "utf-16"), ("byte_order_mark",)),
    "utf-16 big-endian without mark": Description(said("UTF-16", "utf-16-be")),
    "windows-1251": Description(said("windows-1251", "cp1251")),
    "koi8-r": Description(said("KOI8-R", "koi8-r")),
    "says utf-16, is utf-8": Description(
        said("UTF-16", "utf-8"), ("encoding_mislabelled",)
    ),
    "says latin, is utf-8": Description(
        said("ISO-8859-1", "utf-8"), ("encoding_mislabelled",)
    ),
    "says utf-8, is latin": Description(
        lambda: manifest(title="Café").encode("latin-1"), ("encoding_guessed",)
    ),
    "utf-7": Description(said("UTF-7", "utf-7"), ("xml_encoding",)),
    "utf-32": Description(said("UTF-32", "utf-32"), ("xml_encoding",)),
    "blank lines first": Description(lambda: "\n\n" + manifest(), ("leading_blanks",)),
    "no declaration": Description(of_12(declaration="")),
    "old line ends": Description(lambda: manifest().replace("\n", "\r")),
    "one line": Description(lambda: manifest().replace("\n", " ")),
    "comments everywhere": Description(
        lambda: manifest().replace(">\n", "><!-- < & > --><?x y?>\n")
    ),
    "titles in cdata": Description(
        lambda: manifest().replace("A course", "<![CDATA[A <b> & c]]>")
    ),
    "prefix without declaration": Description(
        of_12(namespaces=NAMESPACES_12.split()[0]), ("undeclared_prefix",)
    ),
    "another prefix": Description(
        lambda: manifest().replace("adlcp", "zz").replace("zz_", "adlcp_")
    ),
    "html in a title": Description(
        lambda: manifest().replace("Lesson", "<b>Les</b>son <script>x()</script>")
    ),
    "ampersand": Description(
        lambda: manifest().replace("A course", "R & D"), ("xml_malformed",)
    ),
    "html entity": Description(
        lambda: manifest().replace("A course", "R&nbsp;D"), ("xml_malformed",)
    ),
    "not closed": Description(
        lambda: manifest().replace("</resources>", ""), ("xml_malformed",)
    ),
    "cut off": Description(lambda: manifest()[:300], ("xml_malformed",)),
    "nothing": Description(lambda: "", ("xml_malformed",)),
    "zero bytes": Description(lambda: bytes(1000), ("xml_malformed",)),
    "a control character": Description(
        lambda: manifest().replace("A course", "A\x01"), ("xml_malformed",)
    ),
    "a page": Description(lambda: "<html><body/></html>", ("not_a_manifest",)),
    "a course of cmi5": Description(lambda: "<courseStructure/>", ("not_a_manifest",)),
    "common cartridge": Description(
        of_12(namespaces='xmlns="http://www.imsglobal.org/xsd/imsccv1p1/imscp"'),
        ("other_standard",),
    ),
    # --- what tries to load or multiply
    "document type": Description(doctype("manifest"), ("xml_doctype",)),
    "outside entity": Description(
        doctype('m [<!ENTITY x SYSTEM "file:///etc/passwd">]'), ("xml_doctype",)
    ),
    "entity over http": Description(
        doctype('m [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]'),
        ("xml_doctype",),
    ),
    "laughs": Description(doctype(f"m [{LAUGHS}]"), ("xml_doctype",)),
    "outside dtd": Description(
        doctype('m SYSTEM "http://127.0.0.1:9/x.dtd"'), ("xml_doctype",)
    ),
    "included file": Description(
        before_end(
            '<x:include xmlns:x="http://www.w3.org/2001/XInclude" '
            'href="file:///etc/passwd" parse="text"/>'
        )
    ),
    "schema elsewhere": Description(
        of_12(
            root='xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
            'i:schemaLocation="urn:x http://127.0.0.1:9/x.xsd"'
        )
    ),
    "style sheet elsewhere": Description(
        lambda: manifest().replace(
            "<manifest", '<?xml-stylesheet href="http://127.0.0.1:9/"?><manifest', 1
        )
    ),
    "deep": Description(nested(260), ("xml_too_deep",)),
    "nested two hundred times": Description(nested(200), ("items_nested",)),
    "nested thirty times": Description(nested(31)),
    "too many elements": Description(
        items(210_000, "<item/>\n<x/>"), ("xml_too_large",)
    ),
    "too long": Description(
        lambda: manifest().replace("A course", "x" * (10 << 20)), ("xml_too_large",)
    ),
    "many units": Description(
        items(10_050, SECOND.replace("i2", "i{n}")), ("too_many_units",)
    ),
    "many units of one name": Description(
        items(9000, SECOND), ("identifier_repeated", "more_findings")
    ),
    "many items without anything": Description(
        items(90_000, "<item/>"),
        ("too_many_units",),
    ),
    "many resources of one name": Description(
        in_resources(lambda: '<resource identifier="r" href="a.html"/>' * 90_000)
    ),
    "many different resources of one name": Description(
        in_resources(
            lambda: "".join(
                f'<resource identifier="r" href="{n}.html"/>' for n in range(50_000)
            )
        ),
        ("more_findings", "resource_repeated"),
    ),
    "many missing files": Description(
        in_resources(
            lambda: (
                '<resource identifier="r">'
                + "".join(f'<file href="{n}.png"/>' for n in range(90_000))
                + "</resource>"
            )
        ),
        ("files_missing",),
    ),
    "many attributes": Description(
        of_12(root=" ".join(f'a{n}="x"' for n in range(50_000))), ("xml_too_large",)
    ),
    "256 attributes, many times": Description(
        in_resources(
            lambda: (
                '<resource identifier="r" {}/>'.format(
                    " ".join(f'a{n}="x"' for n in range(250))
                )
                * 3000
            )
        )
    ),
    "many headings": Description(
        items(9900, '<item identifier="h{n}"><title>H</title></item>'),
        ("item_empty", "more_findings"),
    ),
    "a megabyte in an attribute": Description(of_12(root=f'x="{"y" * (1 << 20)}"')),
    "a megabyte in a title": Description(of_12(title="é" * (1 << 20))),
    "shared rules without end": Description(shared_bomb, ("sequencing_too_large",)),
    "many rules that cannot be read": Description(
        sequenced(
            "<imsss:sequencingRules>"
            + "<imsss:preConditionRule/>" * 60_000
            + "</imsss:sequencingRules>"
        ),
        ("more_findings", "sequencing_rule"),
    ),
    "a card without end": Description(
        lom(
            "<lifecycle><contribute><centity><vcard>"
            + " ORG" * 90_000
            + " A-" * 90_000
            + "</vcard></centity></contribute></lifecycle>"
        )
    ),
    "keywords without end": Description(
        of_12(
            metadata="<lom><general><keyword>"
            + "<langstring>a,b;c</langstring>" * 60_000
            + "</keyword></general></lom>"
        )
    ),
    "a long address for many units": Description(
        lambda: items(9000, SECOND.replace("i2", "i{n}"))().replace(
            "index.html", "index.html?" + "x" * 90_000
        ),
        ("address_too_long",),
    ),
    "a long base for many files": Description(
        in_resources(
            lambda: f'<resource xml:base="{"x" * 90_000}/"><file href="a"/></resource>'
        ),
        ("address_too_long",),
    ),
    "long shared rules": Description(
        lambda: shared_bomb().replace("<imsss:auxiliaryResource/>" * 20_000, LONG_RULE),
        ("sequencing_too_large",),
    ),
    "a long description of a resource for many units": Description(
        lambda: items(9000, SECOND.replace("i2", "i{n}"))().replace(
            "</resource>",
            "<metadata><lom><general><description>"
            + "d" * (1 << 20)
            + "</description></general></lom></metadata></resource>",
        )
    ),
    "many units below many headings": Description(below_many_headings),
    # --- the version
    "no version": Description(of_12(version=None), ("version_missing",)),
    "odd version": Description(of_12(version="latest"), ("version_unknown",)),
    "version of another standard": Description(
        of_12(version="2004 4th Edition"), ("version_differs",)
    ),
    "1.2 in the vocabulary of 2004": Description(
        of_2004(version="1.2"), ("version_differs",)
    ),
    "both vocabularies": Description(of_12(namespaces=BOTH)),
    "no vocabulary": Description(
        of_12(namespaces="", spelled="scormtype"), ("no_namespace",)
    ),
    "2nd edition": Description(of_2004(version="CAM 1.3")),
    "3rd edition": Description(of_2004(version="2004 3rd Edition")),
    "2004 alone": Description(of_2004(version="2004")),
    # --- the structure
    "no structure": Description(
        lambda: manifest().replace("organization", "nothing"),
        ("no_organization", "title_missing"),
    ),
    "default that is not there": Description(
        of_12(organizations='default="x"'), ("default_organization",)
    ),
    "two structures": Description(
        of_12(more='<organization identifier="o2"/>'), ("several_organizations",)
    ),
    "a manifest inside": Description(before_end(INNER), ("inner_manifest",)),
    "a manifest inside the fourth": Description(
        before_end(INNER, of_2004()), ("inner_manifest_refused",)
    ),
    "no titles": Description(of_12(Item(title=None), title=None), ("title_missing",)),
    "heading with a page": Description(
        of_2004(Item(items=[Item("b", "B", "index.html")])),
        ("cluster_with_resource",),
    ),
    "item of no resource": Description(
        of_12(Item(), Item("b", href=None, reference="gone")), ("resource_missing",)
    ),
    "headings alone": Description(of_12(Item(href=None)), ("no_units",)),
    "resource of itself": Description(
        in_resources(
            lambda: (
                '<resource identifier="a"><dependency identifierref="a"/></resource>'
            )
        )
    ),
    "dependency on nothing": Description(
        in_resources(
            lambda: (
                '<resource identifier="a"><dependency identifierref="b"/></resource>'
            )
        ),
        ("dependency_missing",),
    ),
    "no kind": Description(of_12(Item(kind=None)), ("kind_missing",)),
    # --- addresses
    "base on three levels": Description(
        of_12(BASED, root='xml:base="a/"', resources=' xml:base="b/"'),
        files={"a/b/c/index.html": START_PAGE},
    ),
    "base that climbs": Description(of_12(Item(base="../../")), ("launch_outside",)),
    "base elsewhere": Description(
        of_12(root='xml:base="https://example.org/"'), ("launch_external",)
    ),
    "page that climbs": Description(
        of_12(Item(href="../../etc/passwd")), ("launch_outside",)
    ),
    "page that climbs with escapes": Description(
        of_12(Item(href="%2e%2e/%2e%2e/etc/passwd")), ("launch_missing",)
    ),
    "page on this machine": Description(
        of_12(Item(href="file:///etc/passwd")), ("launch_external",)
    ),
    "page of script": Description(
        of_12(Item(href="javascript:alert(1)")), ("launch_external",)
    ),
    "page of data": Description(
        of_12(Item(href="data:text/html,x")), ("launch_external",)
    ),
    "page elsewhere": Description(
        of_12(Item(href="//example.org")), ("launch_external",)
    ),
    "page in the wrong case": Description(
        of_12(Item(href="INDEX.html")), ("launch_repaired",)
    ),
    "page that is not there": Description(
        of_12(Item(href="no.html")), ("launch_missing",)
    ),
    "quotes in parameters": Description(
        of_12(Item(attributes="parameters='\"&gt;&lt;script&gt;'"))
    ),
    # --- numbers and rules
    "odd mastery score": Description(
        of_12(Item(inside="<adlcp:masteryscore>1e9</adlcp:masteryscore>")),
        ("mastery_score",),
    ),
    "long mastery score": Description(
        of_12(Item(inside=f"<adlcp:masteryscore>{'9' * 90_000}</adlcp:masteryscore>")),
        ("mastery_score",),
    ),
    "odd time": Description(
        of_12(Item(inside="<adlcp:maxtimeallowed>-1</adlcp:maxtimeallowed>")),
        ("time_limit",),
    ),
    "threshold in percent": Description(
        inside("<adlcp:completionThreshold>80</adlcp:completionThreshold>"),
        ("completion_threshold",),
    ),
    "odd values of sequencing": Description(
        sequenced('<imsss:controlMode flow="maybe" choice=""/>'),
        ("sequencing_value",),
    ),
    "reference to no rules": Description(
        inside('<imsss:sequencing IDRef="gone"/>'), ("sequencing_reference",)
    ),
    "sequencing of another vendor": Description(
        sequenced('<v:x xmlns:v="urn:v">y</v:x>'), ()
    ),
    # --- beside
    "description beside, missing": Description(
        of_12(metadata="<adlcp:location>no.xml</adlcp:location>"),
        ("metadata_missing",),
    ),
    "description beside, outside": Description(
        of_12(metadata="<adlcp:location>../../etc/passwd</adlcp:location>"),
        ("metadata_missing",),
    ),
    "description beside, broken": Description(
        of_12(metadata="<adlcp:location>lom.xml</adlcp:location>"),
        ("metadata_missing",),
        {"index.html": START_PAGE, "lom.xml": "<lom"},
    ),
    "description beside, hostile": Description(
        of_12(metadata="<adlcp:location>lom.xml</adlcp:location>"),
        ("xml_doctype",),
        {"index.html": START_PAGE, "lom.xml": f"<!DOCTYPE l [{LAUGHS}]><l>&e9;</l>"},
    ),
    "description beside, over and over": Description(
        of_12(metadata="<adlcp:location>lom.xml</adlcp:location>" * 3000),
        ("metadata_missing", "more_findings"),
        {"index.html": START_PAGE, "lom.xml": f"<lom>{'<x>y</x>' * 20_000}</lom>"},
    ),
    "very long folders of many items": Description(based, ("addresses_too_large",)),
    "more files than are looked for": Description(
        in_resources(
            lambda: (
                '<resource identifier="r2">'
                + "".join(f'<file href="no{n}"/>' for n in range(190_000))
                + "</resource>"
            )
        ),
        ("files_missing",),
    ),
    "another vendor repeats all namespaces": Description(
        many_spaces, ("sequencing_too_large",)
    ),
    "description beside is the manifest": Description(
        of_12(metadata="<adlcp:location>imsmanifest.xml</adlcp:location>")
    ),
    "odd learning time": Description(
        lom("<educational><typicallearningtime>1 h</typicallearningtime></educational>")
    ),
}
