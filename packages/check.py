"""The import doctor: everything that can be said of a package without storing it.

`check_package` never raises for a fault of the package; the fault is a finding.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any, BinaryIO
from urllib.parse import quote

from packages.archive import bare_file, open_archive
from packages.cmi5 import read_cmi5
from packages.contents import Contents
from packages.findings import finding, refuse, rows
from packages.manifest import Finding, Manifest
from packages.readers import read_package
from packages.roles import can_score, with_parts
from packages.safexml import read_xml
from packages.scripts import Scripts, read_scripts
from statements.errors import InvalidPackage, UnsafeArchive

_BLOCK = 1 << 20
_HOSTS_SHOWN = 5
# cmi5, section 14.0: what a course structure is called in a package.
_BARE_NAME = "cmi5.xml"
_NOT_ALONE = {"manifest": "SCORM", "tincan": "xAPI"}
_XML_STARTS = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<\0", b"\xfe\xff\0<")


@dataclass(frozen=True, slots=True)
class Checked:
    """What the doctor says; `contents` is None when the archive cannot be read.

    `hosts` are the other servers that pages load from.
    """

    manifest: Manifest
    contents: Contents | None
    hosts: tuple[str, ...] = ()


def check_package(
    file: BinaryIO, *, filename: str, strict: bool = False, lenient: bool = False
) -> Checked:
    """The manifest and files of a package in a seekable file.

    `strict` refuses what is otherwise repaired; `lenient` takes a course of cmi5 that
    breaks rules which do not change what it means.
    """
    hosts: tuple[str, ...] = ()
    try:
        contents, manifest = _read(file, filename)
        if lenient:
            manifest = _leniently(manifest)
        if manifest.is_importable:
            scripts = read_scripts(contents)
            hosts = tuple(sorted(scripts.hosts))
            manifest = with_parts(manifest, scripts)
            manifest = manifest.with_findings(_behaviour(manifest, scripts))
    except (InvalidPackage, UnsafeArchive) as error:
        blank = Manifest(standard=None, edition="", identifier="", title=filename)
        return Checked(blank.with_findings(error.extra["findings"]), None)
    if strict:
        manifest = _strictly(manifest)
    return Checked(manifest, contents, hosts)


def _read(file: BinaryIO, filename: str) -> tuple[Contents, Manifest]:
    """The course in a zip file or, for cmi5, in a file of XML alone."""
    try:
        return read_package(open_archive(file))
    except InvalidPackage as error:
        if error.extra["findings"][0].code != "not_a_package":
            raise
        bare = _bare_course(file, filename)
        if bare is None:
            raise
        return bare


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
    if manifest.units and not any(can_score(unit) for unit in manifest.units):
        findings.append(finding("only_pages"))
    if scripts.hosts:
        shown = ", ".join(sorted(scripts.hosts)[:_HOSTS_SHOWN])
        count = len(scripts.hosts)
        findings.append(finding("other_servers", count=count, hosts=shown))
    return findings


def _strictly(manifest: Manifest) -> Manifest:
    """Repairs as errors, with the advice to mend the file."""
    findings = [
        replace(
            one,
            severity="error",
            advice=rows()[one.code].get("strict", one.advice),
        )
        if one.severity == "repair"
        else one
        for one in manifest.findings
    ]
    return replace(manifest, findings=()).with_findings(findings)


def _leniently(manifest: Manifest) -> Manifest:
    """Errors as what their rows say of lenient reading; the others stay."""
    findings = [
        replace(one, severity=rows()[one.code].get("lenient", one.severity))  # type: ignore[arg-type]
        for one in manifest.findings
    ]
    return replace(manifest, findings=()).with_findings(findings)


def _bare_course(file: BinaryIO, filename: str) -> tuple[Contents, Manifest] | None:
    """The course in a file of XML: cmi5 allows that, others need their files.

    None for what is no description of a course. Raises InvalidPackage, UnsafeArchive.
    """
    file.seek(0)
    start = file.read(_BLOCK * 11)
    if not start.lstrip().startswith(_XML_STARTS):
        return None
    document = read_xml(start, path=filename)
    name = str(document.root.tag).rpartition("}")[2]
    if name in _NOT_ALONE:
        refuse("manifest_alone", path=filename, standard=_NOT_ALONE[name])
    if name != "courseStructure":
        return None
    contents = Contents(bare_file(file, _BARE_NAME))
    return contents, read_cmi5(contents, _BARE_NAME, alone=True)


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
