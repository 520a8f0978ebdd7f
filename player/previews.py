"""Previews: an author looks at a unit as a learner would, and nothing is recorded.

A preview opens the package on the content site under a label of its own. There is no
registration, no launch, no attempt and no token, so nothing that the unit says can be
accepted anywhere. A unit that expects an API finds the real one, which answers from the
memory of the page; units of other standards are shown without their run-time.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from lrs.config import Config
from packages.courses import Package, manifest_of
from packages.manifest import Manifest, Unit
from player import urls
from player.activities import tree_of
from player.launches import NotPlayable
from player.navigation import valid_requests
from player.outcomes import Around
from player.runtimes import runtime_of
from player.tables import Preview
from statements.errors import NotFound

LIFETIME = timedelta(hours=2)
LEARNER = ("preview", "preview", "Preview")


class PreviewNotFound(NotFound):
    """This preview is over; open it again from the page of the package."""


def open_preview(
    db: Session, *, package: Package, unit: int, opened_by: str, now: datetime
) -> Preview:
    """A preview of a unit, open for two hours; those that are over are forgotten.

    Raises NotPlayable, PackageNotImported.
    """
    units = manifest_of(package).units
    if package.status != "imported" or not 0 <= unit < len(units):
        raise NotPlayable(f"The package has no unit {unit}.")
    if units[unit].is_external:
        raise NotPlayable("This unit lies on another server and is not shown here.")
    db.execute(delete(Preview).where(Preview.expires_at <= now))
    preview = Preview(
        label=secrets.token_hex(16),
        tenant_id=package.tenant_id,
        package_id=package.id,
        unit=unit,
        opened_by=opened_by,
        expires_at=now + LIFETIME,
    )
    db.add(preview)
    db.flush()
    return preview


def get_preview(db: Session, *, label: str, opened_by: str, now: datetime) -> Preview:
    """The open preview of this person; raises PreviewNotFound."""
    preview = db.get(Preview, label)
    if preview is None or preview.opened_by != opened_by or preview.expires_at <= now:
        raise PreviewNotFound
    return preview


def end_previews(db: Session, *, opened_by: str) -> None:
    """Close all previews of this person: the files answer no more, from now on."""
    db.execute(delete(Preview).where(Preview.opened_by == opened_by))


def start_data(
    config: Config, *, preview: Preview, unit: Unit, manifest: Manifest
) -> dict[str, Any]:
    """What the page needs to show the unit, in the words of the shell's `start`.

    The unit is told that it is browsed, so nothing in it is for credit.
    """
    runtime = runtime_of(manifest.standard, manifest.edition)
    has_api = runtime.elements is not None and unit.kind != "asset"
    tree = tree_of(manifest)
    activity = tree.by_unit.get(unit.index)
    values = runtime.begin(
        runtime.first_values(unit, threshold=None),
        mode="Browse",
        started=False,
        suspended=False,
        around=Around(activity={} if activity is None else activity.node),
    )
    values = {**values, **valid_requests(tree, unit.index)}
    return {
        "content": urls.content_origin(config, preview.label),
        "has_api": has_api,
        "start": {
            "type": "start",
            "launch": preview.label,
            "title": unit.title,
            # without an API the shell treats it as a page to look at
            "kind": unit.kind if has_api else "asset",
            "elements": runtime.source if has_api else {},
            "values": values | runtime.learner(*LEARNER) if has_api else {},
            "entry": unit.address,
            "committed_seq": 0,
            "prev": "",
        },
    }
