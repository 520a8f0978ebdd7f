"""Zips of the sample courses (SCORM 1.2 Content Aggregation Model, 2.3 and 2.4)."""

import io
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from packages.samples.content import HOME, Sample, Unit, read_sample
from packages.samples.pages import page

NAMES = ("report-writing", "first-on-scene", "calm-voice")
SHARED = ("shared/course.css", "shared/course.js", "shared/scorm.js")
# A fixed date keeps the bytes of a zip the same on every day and machine.
DATE = (2026, 1, 1, 0, 0, 0)


def build_samples(folder: Path) -> list[Path]:
    """Write every sample course into `folder` (made if missing); their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in NAMES:
        path = folder / f"{name}.zip"
        path.write_bytes(build_sample(name))
        paths.append(path)
    return paths


def build_sample(name: str) -> bytes:
    """The zip of one sample course, the same bytes every time."""
    sample = read_sample(name)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in _files(sample).items():
            entry = zipfile.ZipInfo(path, date_time=DATE)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            # stored, not deflated: zlib's output differs from version to version
            archive.writestr(entry, data, compress_type=zipfile.ZIP_STORED)
    return out.getvalue()


def launch_path(unit: Unit) -> str:
    """Where the page of `unit` lies in its package."""
    return f"{unit.id}/index.html"


def _files(sample: Sample) -> dict[str, bytes]:
    files = {"imsmanifest.xml": manifest(sample).encode()}
    for path in SHARED:
        files[path] = (HOME / path).read_bytes()
    for unit in sample.units:
        files[launch_path(unit)] = page(sample, unit).encode()
    return files


def manifest(sample: Sample) -> str:
    """The `imsmanifest.xml` of a sample course."""
    items = "\n".join(_item(unit) for unit in sample.units)
    resources = "\n".join(_resource(unit) for unit in sample.units)
    shared = "\n".join(f'      <file href="{path}"/>' for path in SHARED)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier={quoteattr(sample.name)} version="1.0"
    xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2"
    xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2"
    xmlns:imsmd="http://www.imsglobal.org/xsd/imsmd_rootv1p2p1">
  <metadata>
    <schema>ADL SCORM</schema>
    <schemaversion>1.2</schemaversion>
    <imsmd:lom>
      <imsmd:general>
        <imsmd:title>
          <imsmd:langstring xml:lang="en">{escape(sample.title)}</imsmd:langstring>
        </imsmd:title>
        <imsmd:description>
          <imsmd:langstring xml:lang="en">{escape(sample.description)}</imsmd:langstring>
        </imsmd:description>
      </imsmd:general>
    </imsmd:lom>
  </metadata>
  <organizations default="course">
    <organization identifier="course">
      <title>{escape(sample.title)}</title>
{items}
    </organization>
  </organizations>
  <resources>
{resources}
    <resource identifier="shared" type="webcontent" adlcp:scormtype="asset">
{shared}
    </resource>
  </resources>
</manifest>
"""


def _item(unit: Unit) -> str:
    mastery = (
        f"\n        <adlcp:masteryscore>{unit.mastery}</adlcp:masteryscore>"
        if unit.mastery is not None
        else ""
    )
    return f"""      <item identifier={quoteattr(unit.id)} identifierref="sco-{unit.id}">
        <title>{escape(unit.title)}</title>{mastery}
      </item>"""


def _resource(unit: Unit) -> str:
    href = launch_path(unit)
    return f"""    <resource identifier="sco-{unit.id}" type="webcontent"
        adlcp:scormtype="sco" href="{href}">
      <file href="{href}"/>
      <dependency identifierref="shared"/>
    </resource>"""
