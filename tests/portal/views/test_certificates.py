from __future__ import annotations

import io

from pypdf import PdfReader
from sqlalchemy import select

from lrs.db import reading
from portal.audit import AuditEntry
from portal.certificates import Certificate
from tests.portal.views.text import text_of


def certificate_of(world) -> Certificate:
    with reading(world.parts.engine) as db:
        return db.scalars(select(Certificate)).one()


def test_who_sees_a_certificate(world, caller) -> None:
    world.complete(world.cast.officer)
    certificate = certificate_of(world)
    path = f"/certificates/{certificate.id}"
    seen = {
        name: caller(getattr(world.cast, name)).get(path).status_code
        for name in (
            "officer",
            "dispatcher",
            "manager",
            "outsider",
            "outside_manager",
            "author",
            "operator",
        )
    }
    assert seen == {
        "officer": 200,
        "dispatcher": 404,
        "manager": 200,
        "outsider": 404,
        "outside_manager": 404,
        "author": 404,
        "operator": 404,
    }


def test_downloads_of_the_manager_are_logged(world, caller) -> None:
    world.complete(world.cast.officer)
    certificate = certificate_of(world)
    path = f"/certificates/{certificate.id}.pdf"
    own = caller(world.cast.officer).get(path)
    assert own.content_type == "application/pdf"
    assert len(PdfReader(io.BytesIO(own.data)).pages) == 1
    wide = caller(world.cast.officer).get(f"{path}?orientation=landscape")
    assert PdfReader(io.BytesIO(wide.data)).pages[0].mediabox.width == 792
    assert caller(world.cast.officer).get(f"{path}?orientation=x").status_code == 404
    assert caller(world.cast.manager).get(path).status_code == 200
    assert caller(world.cast.outside_manager).get(path).status_code == 404
    with reading(world.parts.engine) as db:
        [entry] = db.scalars(
            select(AuditEntry).where(AuditEntry.action == "certificate.downloaded")
        ).all()
    assert entry.user_id == world.cast.manager.id
    assert entry.subject_id == str(certificate.id)


def test_anyone_checks_a_certificate(world, caller) -> None:
    world.complete(world.cast.officer)
    certificate = certificate_of(world)
    browser = caller()
    typed = browser.get(f"/verify?code={certificate.code.lower().replace('-', ' ')}")
    assert typed.headers["Location"] == f"/verify/{certificate.code}"
    page = text_of(browser.get(f"/verify/{certificate.code}"))
    assert "This certificate is genuine" in page
    assert "Reports That Hold Up" in page
    wrong = browser.get("/verify/0000-0000-0000-0000")
    assert wrong.status_code == 404
    assert "No certificate has this code" in text_of(wrong)
