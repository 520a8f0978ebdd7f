"""Which reader a package needs: a marker file each, tried in order.

A new standard is one reader and one line here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from packages.aicc import read_aicc
from packages.archive import Archive
from packages.cmi5 import read_cmi5
from packages.contents import Contents
from packages.findings import finding, refuse
from packages.manifest import Finding, Manifest
from packages.scorm import read_scorm
from packages.tincanxml import read_tincan


@dataclass(frozen=True, slots=True)
class Reader:
    """`marker` is a file name, or `*` and an ending; `names` how people call it.

    A `strict` standard has its marker at the top and by its exact name. The files of a
    `whole` one may lie anywhere, also above the folder of the marker.
    """

    marker: str
    names: str
    read: Callable[[Contents, str], Manifest]
    strict: bool = False
    whole: bool = False

    def claims(self, file_name: str) -> bool:
        """True when a file of this name (in any case) marks this standard."""
        name = file_name.lower()
        if self.marker.startswith("*"):
            return name.endswith(self.marker[1:])
        return name == self.marker


READERS = (
    Reader("imsmanifest.xml", "SCORM", read_scorm),
    Reader("cmi5.xml", "cmi5", read_cmi5, strict=True),
    Reader("tincan.xml", "xAPI (tincan.xml)", read_tincan),
    Reader("*.crs", "AICC", read_aicc, whole=True),
)


@dataclass(frozen=True, slots=True)
class Located:
    """Where a course begins in an archive, and who reads it."""

    reader: Reader
    contents: Contents
    name: str
    findings: tuple[Finding, ...]


def read_package(archive: Archive) -> tuple[Contents, Manifest]:
    """The course's files and its manifest; raises InvalidPackage, UnsafeArchive."""
    located = locate(archive)
    manifest = located.reader.read(located.contents, located.name)
    findings = [*archive.findings, *located.findings]
    return located.contents, manifest.with_findings(findings)


def locate(archive: Archive) -> Located:
    """The course description nearest to the top.

    At one place, the order of READERS decides; several places side by side are refused.
    """
    marked = [
        (path.count("/"), order, path)
        for path in archive.files
        for order, reader in enumerate(READERS)
        if reader.claims(path.rpartition("/")[2])
    ]
    if not marked:
        _refuse_unmarked(archive)
    depth = min(marked)[0]
    nearest = [one for one in marked if one[0] == depth]
    folders = {path.rpartition("/")[0] for _, _, path in nearest}
    if len(folders) > 1:
        refuse("several_courses", path=min(nearest)[2], count=len(folders))
    _, order, path = min(nearest, key=lambda one: (one[1], one[2].swapcase()))
    reader = READERS[order]
    folder, _, name = ("", "", path) if reader.whole else path.rpartition("/")
    contents = Contents(archive, folder + "/" if folder else "")
    findings = [
        finding("also", path=other, standard=READERS[rank].names, chosen=reader.names)
        for _, rank, other in nearest
        if rank != order
    ]
    if folder:
        code = "cmi5_not_at_top" if reader.strict else "nested_root"
        findings.append(finding(code, path=path, folder=folder))
        outside = len(archive.files) - len(contents.files)
        if outside:
            findings.append(finding("outside_root", count=outside))
    if not reader.marker.startswith("*") and name != reader.marker:
        code = "cmi5_file_name" if reader.strict else "manifest_case"
        findings.append(finding(code, path=path, name=name, right=reader.marker))
    if any(rank == order and deeper > depth for deeper, rank, _ in marked):
        findings.append(finding("manifest_inside"))
    for player in contents.files:
        if player.split("/")[0].lower() == "__player":
            refuse("reserved_name", path=player)
    return Located(reader, contents, name, tuple(findings))


def _refuse_unmarked(archive: Archive) -> None:
    zips = [path for path in archive.files if path.lower().endswith(".zip")]
    if zips and len(zips) == len(archive.files):
        refuse("inner_zip", path=zips[0])
    for path in archive.files:
        if path.lower().endswith(".cst"):
            refuse("aicc_file_missing", path=path, name=".crs")
    refuse("no_manifest")
