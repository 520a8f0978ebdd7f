"""Small packages, made in memory for tests of the player."""

import io
import zipfile
from xml.sax.saxutils import escape

UNIT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p id="out"></p>
<script>
function findApi(from) {{
  for (let hops = 0; hops < 7; hops += 1) {{
    if (from.API) return from.API;
    if (from === from.parent) break;
    from = from.parent;
  }}
  return null;
}}
const api = findApi(window);
{script}
</script></body></html>
"""

WELL_BEHAVED = """
api.LMSInitialize("");
window.location.hash = "";
document.getElementById("out").textContent =
  api.LMSGetValue("cmi.core.entry") + "|" + api.LMSGetValue("cmi.core.lesson_location");
"""


def unit(title: str, script: str = WELL_BEHAVED) -> str:
    """Give the page of a unit whose script finds its API as content does."""
    return UNIT.format(title=escape(title), script=script)


def scorm_12(
    units: dict[str, str],
    files: dict[str, bytes | str] | None = None,
    *,
    kind: str = "sco",
) -> bytes:
    """Give a package with a SCO, or asset, for every title and page in `units`."""
    pages = {f"unit {n}/page.html": page for n, page in enumerate(units.values())}
    items, resources = [], []
    for n, title in enumerate(units):
        items.append(
            f'<item identifier="I{n}" identifierref="R{n}">'
            f"<title>{escape(title)}</title></item>"
        )
        resources.append(
            f'<resource identifier="R{n}" type="webcontent" adlcp:scormtype="{kind}" '
            f'href="unit%20{n}/page.html"><file href="unit%20{n}/page.html"/></resource>'
        )
    manifest = (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<manifest identifier="M" version="1.1" '
        'xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2" '
        'xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2">'
        "<metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion>"
        '</metadata><organizations default="O"><organization identifier="O">'
        f"<title>Small course</title>{''.join(items)}</organization></organizations>"
        f"<resources>{''.join(resources)}</resources></manifest>"
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("imsmanifest.xml", manifest)
        for path, content in {**pages, **(files or {})}.items():
            archive.writestr(path, content)
    return made.getvalue()


def aicc(units: dict[str, str], files: dict[str, bytes | str] | None = None) -> bytes:
    """Give an AICC course with a unit for every title and page (or address)."""
    rows, texts, pages = [], [], {}
    for n, (title, page) in enumerate(units.items()):
        is_page = not page.startswith("http")
        if is_page:
            pages[f"unit{n}/page.html"] = page
        launch = f"unit{n}/page.html" if is_page else page
        rows.append(f'"A{n}","{launch}","80","level={n}"')
        texts.append(f'"A{n}","{title}"')
    members = ",".join(f'"A{n}"' for n in range(len(units)))
    described = {
        "c.crs": (
            "[Course]\r\nCourse_ID=C1\r\nCourse_Title=Small course\r\nVersion=3.0\r\n"
            f"Total_AUs={len(units)}\r\n[Course_Description]\r\nSmall.\r\n"
        ),
        "c.au": "\r\n".join(
            ['"System_ID","File_Name","Mastery_Score","Core_Vendor"', *rows]
        ),
        "c.des": "\r\n".join(['"System_ID","Title"', *texts]),
        "c.cst": f'"Block"{",Member" * len(units)}\r\n"ROOT",{members}',
    }
    return zipped({**described, **pages, **(files or {})})


def tincan(units: dict[str, str], files: dict[str, bytes | str] | None = None) -> bytes:
    """Give an xAPI package with an activity for every title and page (or address)."""
    activities, pages = [], {}
    for n, (title, page) in enumerate(units.items()):
        is_page = not page.startswith("http")
        if is_page:
            pages[f"unit{n}/page.html"] = page
        launch = f"unit{n}/page.html" if is_page else page
        activities.append(
            f'<activity id="http://publisher.example/{n}" '
            'type="http://adlnet.gov/expapi/activities/lesson">'
            f'<name lang="en">{escape(title)}</name>'
            f'<launch lang="en">{escape(launch)}</launch></activity>'
        )
    manifest = (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<tincan xmlns="http://projecttincan.com/tincan.xsd"><activities>'
        f"{''.join(activities)}</activities></tincan>"
    )
    return zipped({"tincan.xml": manifest, **pages, **(files or {})})


def zipped(files: dict[str, bytes | str]) -> bytes:
    """Give the files as a zip."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return made.getvalue()


def cmi5(
    units: dict[str, str],
    *,
    move_on: str = "CompletedOrPassed",
    launch_method: str = "AnyWindow",
) -> bytes:
    """Give a package with an AU for every title and page in `units`."""
    pages = {f"unit {n}/page.html": page for n, page in enumerate(units.values())}
    listed = "".join(
        f'<au id="https://publisher.example/course/{n}" moveOn="{move_on}" '
        f'launchMethod="{launch_method}"><title><langstring lang="en">{escape(title)}'
        '</langstring></title><description><langstring lang="en">A unit</langstring>'
        f"</description><url>unit%20{n}/page.html?own=1</url></au>"
        for n, title in enumerate(units)
    )
    structure = (
        '<?xml version="1.0" encoding="utf-8"?><courseStructure '
        'xmlns="https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd">'
        '<course id="https://publisher.example/course"><title><langstring lang="en">'
        'Small course</langstring></title><description><langstring lang="en">'
        f"A course</langstring></description></course>{listed}</courseStructure>"
    )
    return zipped({"cmi5.xml": structure, **pages})
