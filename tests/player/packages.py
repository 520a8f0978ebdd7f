"""Small SCORM 1.2 packages, made in memory for tests of the player."""

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
