"""The import doctor: everything that can be said of a package without storing it.

`check_package` never raises for a fault of the package; the fault is a finding.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any, BinaryIO
from urllib.parse import quote

from packages.archive import open_archive
from packages.contents import Contents
from packages.findings import finding
from packages.manifest import Finding, Manifest
from packages.readers import LATER, read_package
from packages.roles import with_parts
from packages.safexml import read_xml
from packages.scripts import Scripts, read_scripts
from statements.errors import InvalidPackage, UnsafeArchive

_BLOCK = 1 << 20
_HOSTS_SHOWN = 5
_XML_STARTS = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<\0", b"\xfe\xff\0<")


@dataclass(frozen=True, slots=True)
class Checked:
    """What the doctor says; `contents` is None when the archive cannot be read.

    `hosts` are the other servers that pages load from.
    """

    manifest: Manifest
    contents: Contents | None
    hosts: tuple[str, ...] = ()


def check_package(file: BinaryIO, *, filename: str, strict: bool = False) -> Checked:
    """The manifest and files of a package in a seekable file.

    `strict` refuses what is otherwise repaired.
    """
    hosts: tuple[str, ...] = ()
    try:
        contents, manifest = read_package(open_archive(file))
        if manifest.is_importable:
            scripts = read_scripts(contents)
            hosts = tuple(sorted(scripts.hosts))
            manifest = with_parts(manifest, scripts)
            manifest = manifest.with_findings(_behaviour(manifest, scripts))
    except (InvalidPackage, UnsafeArchive) as error:
        findings = error.extra["findings"]
        if findings[0].code == "not_a_package":
            findings = _findings_of_xml(file, filename) or findings
        blank = Manifest(standard=None, edition="", identifier="", title=filename)
        return Checked(blank.with_findings(findings), None)
    if strict:
        manifest = _strictly(manifest)
    return Checked(manifest, contents, hosts)


def verified(checked: Checked) -> Checked:
    """The same after every file was unpacked once, as an import would."""
    if checked.contents is None:
        return checked
    try:
        for path in checked.contents.files:
            with checked.contents.open(path) as stream:
                while stream.read(_BLOCK):
                    pass
    except (InvalidPackage, UnsafeArchive) as error:
        return Checked(checked.manifest.with_findings(error.extra["findings"]), None)
    return checked


def digest(file: BinaryIO) -> tuple[str, int]:
    """SHA-256 in hexadecimal and length of a seekable file."""
    file.seek(0)
    total = hashlib.sha256()
    size = 0
    while block := file.read(_BLOCK):
        total.update(block)
        size += len(block)
    return total.hexdigest(), size


def _behaviour(manifest: Manifest, scripts: Scripts) -> list[Finding]:
    """What learners will notice, told by the scripts."""
    findings = []
    has_sco = any(unit.kind == "sco" for unit in manifest.units)
    if has_sco and scripts.reports is False:
        findings.append(finding("never_reports"))
    if scripts.hosts:
        shown = ", ".join(sorted(scripts.hosts)[:_HOSTS_SHOWN])
        count = len(scripts.hosts)
        findings.append(finding("other_servers", count=count, hosts=shown))
    return findings


def _strictly(manifest: Manifest) -> Manifest:
    """Repairs as errors."""
    findings = [
        replace(one, severity="error") if one.severity == "repair" else one
        for one in manifest.findings
    ]
    return replace(manifest, findings=()).with_findings(findings)


def _findings_of_xml(file: BinaryIO, filename: str) -> tuple[Finding, ...]:
    """What a bare XML file is: cmi5 allows it, SCORM's manifest needs its files."""
    file.seek(0)
    start = file.read(_BLOCK * 11)
    if not start.lstrip().startswith(_XML_STARTS):
        return ()
    try:
        document = read_xml(start, path=filename)
    except (InvalidPackage, UnsafeArchive) as error:
        return tuple(error.extra["findings"])
    name = str(document.root.tag).rpartition("}")[2]
    if name == "courseStructure":
        return (finding("standard_later", path=filename, standard=LATER["cmi5"]),)
    if name == "manifest":
        return (finding("manifest_alone", path=filename),)
    return ()


def sarif(checked: Checked, *, filename: str, version: str) -> dict[str, Any]:
    """The findings as a SARIF 2.1.0 log."""
    levels = {"error": "error", "warning": "warning", "repair": "note", "info": "note"}
    findings = checked.manifest.findings
    rules = {one.code: one for one in findings}
    return {
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "rollcall package check",
                        "version": version,
                        "rules": [
                            {"id": code, "help": {"text": one.advice}}
                            for code, one in sorted(rules.items())
                        ],
                    }
                },
                "results": [
                    {
                        "ruleId": one.code,
                        "level": levels[one.severity],
                        "message": {"text": f"{one.message} {one.advice}"},
                        "locations": [_location(one, filename)],
                    }
                    for one in findings
                ],
            }
        ],
    }


def _location(one: Finding, filename: str) -> dict[str, Any]:
    """The place in the package; SARIF addresses files by URI."""
    uri = filename if one.path is None else f"{filename}/{one.path}"
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(uri)}}
    if one.line:
        place["region"] = {"startLine": one.line}
    return {"physicalLocation": place}
