"""Previews open content, for their author alone and for a while, and record nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from lrs.db import reading, writing
from lrs.tables import Statement
from packages.courses import get_package, manifest_of
from player import launches, previews
from player.tables import Attempt, Launch, Preview, Registration
from tests.player.packages import scorm_12, unit
from tests.player.site import Site, applications

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)


@pytest.fixture
def site(parts) -> Site:
    return Site(parts, 0)


@pytest.fixture
def package(site):
    return site.add(scorm_12({"One": unit("One"), "Two": unit("Two")}))


def opened(site: Site, package, *, now: datetime = NOW, place: int = 0) -> str:
    with writing(site.parts.engine) as db:
        preview = previews.open_preview(
            db, package=package, unit=place, opened_by="author", now=now
        )
        return preview.label


def test_content_is_open_under_a_label_of_its_own_for_a_while(site, package) -> None:
    label, other = opened(site, package), opened(site, package)
    assert label != other
    with reading(site.parts.engine) as db:
        grant = launches.find_content(db, label=label, now=NOW)
        assert grant is not None
        assert (grant.launch_id, grant.package_id) == (None, package.id)
        assert not launches.is_label(db, label=label)
        over = NOW + previews.LIFETIME
        assert launches.find_content(db, label=label, now=over) is None
        with pytest.raises(previews.PreviewNotFound):
            previews.get_preview(db, label=label, opened_by="author", now=over)
        with pytest.raises(previews.PreviewNotFound):
            previews.get_preview(db, label=label, opened_by="another", now=NOW)
        found = previews.get_preview(db, label=label, opened_by="author", now=NOW)
        assert found.unit == 0


def test_what_is_over_is_forgotten(site, package) -> None:
    opened(site, package)
    label = opened(site, package, now=NOW + previews.LIFETIME)
    with reading(site.parts.engine) as db:
        assert db.scalars(select(Preview.label)).all() == [label]


def test_a_person_s_previews_end_together(site, package) -> None:
    label = opened(site, package)
    with writing(site.parts.engine) as db:
        previews.end_previews(db, opened_by="another")
        assert launches.find_content(db, label=label, now=NOW) is not None
        previews.end_previews(db, opened_by="author")
        assert launches.find_content(db, label=label, now=NOW) is None


def test_the_site_serves_it_and_takes_nothing(site, package) -> None:
    label = opened(site, package, now=datetime.now(UTC))
    with reading(site.parts.engine) as db:
        first = manifest_of(get_package(db, package_id=package.id)).units[0]
    _, content = applications(site.parts)
    client = content.test_client()
    host = f"http://{label}.{site.parts.config.content_host}"
    for path in ("/__player/shell", f"/{first.address}"):
        assert client.get(path, base_url=host).status_code == 200, path
    assert client.get("/nothing", base_url=host).status_code == 404
    body = {"launch": label, "entries": [], "sent": "2026-03-02T17:00:00Z"}
    answer = client.post("/__player/entries", json=body, base_url=host)
    assert answer.status_code == 404
    with reading(site.parts.engine) as db:
        for table in (Launch, Attempt, Registration, Statement):
            assert db.scalar(select(func.count()).select_from(table)) == 0, table


@pytest.mark.parametrize(
    ("standard", "kind", "has_api"),
    [
        ("scorm_12", "sco", True),
        ("scorm_12", "asset", False),
        ("scorm_2004", "sco", True),
        ("cmi5", "au", False),
        ("aicc", "au", True),
        ("xapi", "activity", False),
    ],
)
def test_the_api_is_that_of_the_standard(
    site, package, standard, kind, has_api
) -> None:
    label = opened(site, package)
    from dataclasses import replace

    with reading(site.parts.engine) as db:
        preview = previews.get_preview(db, label=label, opened_by="author", now=NOW)
        manifest = replace(manifest_of(package), standard=standard)
        shown = replace(manifest.units[0], kind=kind)
        data = previews.start_data(
            site.parts.config, preview=preview, unit=shown, manifest=manifest
        )
    assert data["has_api"] is has_api
    assert data["content"].startswith(f"http://{label}.")
    assert data["start"]["kind"] == (kind if has_api else "asset")
    assert bool(data["start"]["values"]) is has_api
    if has_api:
        core = "cmi." if standard == "scorm_2004" else "cmi.core."
        mode, learner = (
            ("mode", "learner")
            if standard == "scorm_2004"
            else ("lesson_mode", "student")
        )
        values = data["start"]["values"]
        assert values[f"{core}entry"] == "ab-initio"
        assert values[f"{core}{mode}"] == "browse"
        assert values[f"{core}{learner}_id"] == "preview"


def test_what_cannot_be_shown_is_refused(site, package) -> None:
    for place in (-1, 2):
        with pytest.raises(launches.NotPlayable):
            opened(site, package, place=place)
    with writing(site.parts.engine) as db:
        row = get_package(db, package_id=package.id)
        units = [dict(one) for one in row.manifest["units"]]
        units[0]["launch"] = "https://example.org/unit/"
        row.manifest = {**row.manifest, "units": units}
        db.flush()
        with pytest.raises(launches.NotPlayable, match="another server"):
            previews.open_preview(
                db, package=row, unit=0, opened_by="a", now=NOW + timedelta(days=1)
            )
        row.status = "deleted"
        with pytest.raises(launches.NotPlayable):
            previews.open_preview(db, package=row, unit=1, opened_by="a", now=NOW)
