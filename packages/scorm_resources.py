"""Resources of a SCORM manifest: their files, and the address that a unit starts at.

A name only ever selects a file that is in the package (`Contents.find`).
"""

from collections.abc import Iterator
from urllib.parse import quote

from packages.elements import (
    Book,
    Element,
    attribute,
    base,
    child,
    children,
    line_of,
    local,
)
from packages.findings import refuse
from packages.manifest import is_absolute

# Characters that may stand in a query or fragment as written (RFC 3986, 3.4 and 3.5).
_PARAMETERS_SAFE = "%/?:@!$&'()*+,;=#[]~"


def find_resources(book: Book, *, may_hold_manifests: bool) -> dict[str, Element]:
    """Resources by identifier; those of the manifest itself before inner ones.

    A manifest inside a manifest is refused by SCORM 2004 4th Edition (CAM 2.1.2); in
    older ones its resources can be used and its structure is passed over, with a note.
    """
    inner = [one for one in book.root.iter() if _is_inner_manifest(one)]
    if inner:
        if not may_hold_manifests:
            line = line_of(inner[0])
            refuse("inner_manifest_refused", path=book.path, line=line)
        book.note("inner_manifest", inner[0], count=len(inner))
    result: dict[str, Element] = {}
    own = child(book.root, "resources")
    repeated: list[Element] = []
    for element in _resources(book.root):
        identifier = attribute(element, "identifier")
        if identifier not in result:
            result[identifier] = element
        elif element.getparent() is own:
            if result[identifier].getparent() is not own:
                result[identifier] = element
            elif element.items() != result[identifier].items():
                repeated.append(element)
    for element in repeated:
        identifier = attribute(element, "identifier")
        book.note("resource_repeated", element, resource=identifier)
    return result


def find_start(
    book: Book, item: Element, resource: Element, title: str
) -> tuple[str, str] | None:
    """Launch file and parameters of a resource; None, noted, when there is none."""
    href = attribute(resource, "href")
    folder = base_of(book, resource)
    if is_absolute(folder + href) or is_absolute(href):
        launch = folder + href
        book.note("launch_external", resource, title=title, launch=launch)
        return None
    plain, query, fragment = _split(href)
    written = joined(folder, plain)
    found = book.find(written)
    exact = found is not None and found[1]
    # Some files are truly called "a?b.html", some folders in xml:base lack their "/".
    others = (joined(folder, href), joined(folder + "/", plain) if folder else "")
    for other in others:
        if found is None and other:
            found = book.find(other)
    if found is None:
        outside = ".." in written.replace("\\", "/").split("/")
        code = "launch_outside" if outside else "launch_missing"
        book.note(code, resource, title=title, launch=written)
        return None
    launch, _ = found
    if not exact:
        book.note(
            "launch_repaired", resource, title=title, written=written, launch=launch
        )
    return launch, merge_parameters(query, fragment, attribute(item, "parameters"))


def merge_parameters(query: str, fragment: str, parameters: str) -> str:
    """Query and fragment of the launch address with an item's `parameters` added.

    As SCORM 2004 4th Edition CAM 3.4.1.10.4 spells it out, and 1.2 content expects;
    except that a query is put before a fragment that the address already has.
    """
    parameters = parameters.strip().lstrip("?&")
    if parameters.startswith("#"):
        fragment = fragment or parameters[1:]
    elif parameters:
        added, _, own_fragment = parameters.partition("#")
        query = f"{query}&{added}" if query else added
        fragment = fragment or own_fragment
    whole = (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")
    return quote(whole, safe=_PARAMETERS_SAFE)


def base_of(book: Book, resource: Element) -> str:
    """`xml:base` of manifest, resources and resource, put together."""
    return joined(joined(base(book.root), base(resource.getparent())), base(resource))


def joined(folder: str, address: str) -> str:
    """`address` against `folder` as RFC 3986, 5.2 has it for relative paths."""
    if not folder or address.startswith(("/", "\\")):
        return address
    return folder[: max(folder.rfind("/"), folder.rfind("\\")) + 1] + address


def note_missing_files(book: Book) -> None:
    """Files that the manifest lists and the package lacks: one finding for all.

    Those after more addresses than any package has files are not looked for.
    """
    missing: list[tuple[str, Element]] = []
    for resource in _resources(book.root):
        folder = base_of(book, resource)
        for file in children(resource, "file"):
            if not book.can_look:
                break
            href = attribute(file, "href")
            own = joined(folder, base(file))
            if not href or is_absolute(own + href) or is_absolute(href):
                continue
            address = joined(own, href)
            plain = joined(own, _split(href)[0])
            slashed = joined(own + "/", href) if own else address
            if not any(map(book.find, (plain, address, slashed))):
                missing.append((address, file))
    if missing:
        first, element = missing[0]
        book.note("files_missing", element, count=len(missing), first=first)


def note_missing_dependencies(book: Book, resources: dict[str, Element]) -> None:
    """Resources that others build on and the manifest lacks: one finding for all."""
    missing = [
        dependency
        for resource in _resources(book.root)
        for dependency in children(resource, "dependency")
        if attribute(dependency, "identifierref") not in resources
    ]
    if missing:
        first = attribute(missing[0], "identifierref")
        book.note("dependency_missing", missing[0], count=len(missing), first=first)


def _resources(root: Element) -> Iterator[Element]:
    return (element for element in root.iter() if local(element) == "resource")


def _is_inner_manifest(element: Element) -> bool:
    return local(element) == "manifest" and element.getparent() is not None


def _split(href: str) -> tuple[str, str, str]:
    """Path, query and fragment, the latter two without their marks."""
    rest, _, fragment = href.partition("#")
    path, _, query = rest.partition("?")
    return path, query, fragment
