"""Certificates as PDF: typst with its embedded fonts, the same bytes each time."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Literal

import orjson
import segno
import typst

Orientation = Literal["portrait", "landscape"]
ORIENTATIONS: tuple[Orientation, ...] = ("portrait", "landscape")


@dataclass(frozen=True, kw_only=True)
class Words:
    """Everything that is printed, but for the labels of the template."""

    learner: str
    agency: str
    course: str
    sentence: str
    facts: Sequence[tuple[str, str]]
    note: str
    issuer: str
    code: str
    verify_url: str


def qr_svg(text: str) -> str:
    """The QR code of a text as SVG."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=0, dark="#1b2a30", xmldecl=False, svgns=True
    )
    return out.getvalue().decode()


def render_certificate(words: Words, *, orientation: Orientation) -> bytes:
    """The PDF of a certificate on one page of US Letter paper."""
    data = {
        "learner": words.learner,
        "agency": words.agency,
        "course": words.course,
        "sentence": words.sentence,
        "facts": [list(pair) for pair in words.facts],
        "note": words.note,
        "issuer": words.issuer,
        "code": words.code,
        "verify_url": words.verify_url,
        "orientation": orientation,
    }
    with as_file(files("portal.typeset")) as folder:
        return bytes(
            typst.compile(
                folder / "certificate.typ",
                root=folder,
                format="pdf",
                ignore_system_fonts=True,
                sys_inputs={
                    "data": orjson.dumps(data).decode(),
                    "qr": qr_svg(words.verify_url),
                },
            )
        )
