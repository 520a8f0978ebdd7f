import hashlib
import io
import threading
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from lrs import persons
from lrs.db import reading, writing
from lrs.rules.tables import Award
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT, Statement
from player.urls import course_iri, unit_iri
from portal import certificates
from portal.acts import portal_authority
from portal.certificates import Certificate
from portal.enrolments import get_enrolment
from portal.typeset import Words, render_certificate
from portal.users import actor_of
from statements.actors import ifi
from statements.build import build_statement
from statements.prepare import prepare
from statements.vocabulary import extension
from tests.portal.conftest import UNITS

WORDS = Words(
    learner="Officer",
    agency="Harbor City Police Department",
    course="Reports That Hold Up",
    sentence="a course of 1 hour, in the 2026 session.",
    facts=[("Completed", "March 2, 2026, 9:00 a.m. PST"), ("Credit", "1 CPT credit")],
    note="A note.",
    issuer="Rollcall",
    code="7K3M-9QXT-2V8H-RC4D",
    verify_url="https://portal.example/verify/7K3M-9QXT-2V8H-RC4D",
)


@pytest.mark.parametrize(
    ("orientation", "size"), [("portrait", (612, 792)), ("landscape", (792, 612))]
)
def test_pdf_has_one_page_all_words_and_its_fonts(orientation, size) -> None:
    pdf = render_certificate(WORDS, orientation=orientation)
    [page] = PdfReader(io.BytesIO(pdf)).pages
    assert (round(page.mediabox.width), round(page.mediabox.height)) == size
    text = " ".join(page.extract_text().split())
    for part in (
        "Certificate of Completion",
        WORDS.learner,
        WORDS.agency,
        WORDS.course,
        "March 2, 2026",
        WORDS.code,
        "portal.example/verify/7K3M",
    ):
        assert part in text
    fonts = page["/Resources"]["/Font"].values()
    for font in fonts:
        descendant = font.get_object()["/DescendantFonts"][0].get_object()
        descriptor = descendant["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & descriptor.keys()
    assert render_certificate(WORDS, orientation=orientation) == pdf


@pytest.mark.parametrize(
    "words",
    [
        replace(WORDS, learner="Wolfeschlegelsteinhausenbergerdorff " * 2),
        replace(WORDS, course="A very long title of a course about everything " * 3),
        replace(WORDS, agency=""),
        replace(WORDS, learner="Łucja Žižková Ѳёдор Ελένη"),
        replace(WORDS, learner='#panic("x") $ * _ @ \\ "'),
    ],
)
def test_pdf_stays_on_one_page(words) -> None:
    for orientation in ("portrait", "landscape"):
        pdf = render_certificate(words, orientation=orientation)
        assert len(PdfReader(io.BytesIO(pdf)).pages) == 1


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("7K3M-9QXT-2V8H-RC4D", "7K3M-9QXT-2V8H-RC4D"),
        (" 7k3m 9qxt2v8h—rc4d ", "7K3M-9QXT-2V8H-RC4D"),
        ("OIL0-0000-0000-0000", "0110-0000-0000-0000"),
        ("7K3M-9QXT-2V8H", ""),
        ("7K3M-9QXT-2V8H-RC4?", ""),
        ("", ""),
    ],
)
def test_codes_as_typed(typed: str, read: str) -> None:
    assert certificates.normal_code(typed) == read


def all_certificates(parts):
    with reading(parts.engine) as db:
        return db.scalars(select(Certificate)).all()


def test_issued_once_for_a_completion_and_stored(world) -> None:
    enrolment_id = world.complete(world.cast.officer)
    [found] = all_certificates(world.parts)
    assert found.enrolment_id == enrolment_id
    assert found.user_id == world.cast.officer.id
    assert found.learner_name == "Officer"
    assert found.agency_name == world.cast.harbor.name
    assert (found.hours, found.credit) == (1, 1)
    assert found.completed_at == world.now + timedelta(seconds=4)
    assert found.zone == "America/Los_Angeles"
    assert found.state == "valid"
    for orientation in ("portrait", "landscape"):
        key = certificates.pdf_key(found, orientation=orientation)
        with world.parts.storage.open(key) as file:
            text = PdfReader(io.BytesIO(file.read())).pages[0].extract_text()
        assert found.code in text
        assert "9:00 a.m. PST" in " ".join(text.split())


def test_the_job_may_run_again(world) -> None:
    world.complete(world.cast.officer)
    [found] = all_certificates(world.parts)
    payload = {"tenant": MAIN_TENANT, "award": str(found.award)}
    certificates.issue_for_completion(world.parts, payload, world.now)
    [again] = all_certificates(world.parts)
    assert (again.id, again.code, again.files) == (found.id, found.code, found.files)


def test_none_before_the_honor_code(world) -> None:
    enrolment_id = world.enrol(world.cast.officer)
    world.finish(enrolment_id, scaled="0.9")
    world.work()
    assert all_certificates(world.parts) == []
    world.attest(enrolment_id)
    world.work()
    assert len(all_certificates(world.parts)) == 1


@pytest.mark.parametrize(
    ("scaled", "count"), [("0.79", 0), ("0.7999", 0), ("0.8", 1), ("1", 1)]
)
def test_either_side_of_eighty_per_cent(world, scaled: str, count: int) -> None:
    world.complete(world.cast.officer, scaled=scaled)
    assert len(all_certificates(world.parts)) == count


def test_evidence_taken_back_puts_it_under_review(world) -> None:
    world.complete(world.cast.officer)
    later = world.now + timedelta(hours=1)
    actor = actor_of(world.cast.officer.id, portal_url=world.parts.config.portal_url)
    with writing(world.parts.engine) as db:
        passed = next(
            row.statement_id
            for row in db.scalars(select(Statement).order_by(Statement.seq.desc()))
            if b'"scaled"' in row.payload
        )
        void = {
            "actor": actor,
            "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
            "object": {"objectType": "StatementRef", "id": str(passed)},
        }
        store_statements(
            db,
            tenant=MAIN_TENANT,
            statements=[prepare(void, now=later)],
            authority=portal_authority(world.parts.config),
            now=later,
        )
    world.work(later)
    [found] = all_certificates(world.parts)
    assert found.state == "under_review"


def test_another_name_later_changes_nothing(world) -> None:
    world.complete(world.cast.officer)
    [before] = all_certificates(world.parts)
    with writing(world.parts.engine) as db:
        from portal.users import get_user

        get_user(db, user_id=world.cast.officer.id).name = "Sergeant"
    world.work(world.now + timedelta(hours=1))
    [after] = all_certificates(world.parts)
    assert (after.learner_name, after.files) == ("Officer", before.files)


STRANGER = {"objectType": "Agent", "mbox": "mailto:stranger@mail.example"}


def claim(world, enrolment_id) -> None:
    """What earns a certificate, said of a stranger under an officer's registration."""
    parts = world.parts
    with writing(parts.engine) as db:
        row = get_enrolment(db, enrolment_id=enrolment_id)
        course = course_iri(parts.config, row.course_id)
        acts = [("registered", course, None)]
        acts += [
            ("completed", unit_iri(course, slug), {"completion": True})
            for slug in UNITS[:-1]
        ]
        last = unit_iri(course, UNITS[-1])
        result = {"completion": True, "success": True, "score": {"scaled": 1.0}}
        acts.append(("passed", last, result))
        acts.append(("attested", course, None))
        position = extension("position")
        store_statements(
            db,
            tenant=MAIN_TENANT,
            statements=[
                prepare(
                    build_statement(
                        id=uuid.uuid4(),
                        actor=STRANGER,
                        verb=verb,
                        object=iri,
                        timestamp=world.now + timedelta(seconds=place),
                        result=result,
                        context={
                            "registration": str(row.registration),
                            "revision": row.revision,
                            "extensions": {position: "sworn"},
                        },
                    ),
                    now=world.now,
                )
                for place, (verb, iri, result) in enumerate(acts)
            ],
            authority=portal_authority(parts.config),
            now=world.now + timedelta(minutes=1),
        )


def test_a_registration_named_by_a_stranger_earns_the_learner_nothing(world) -> None:
    enrolment_id = world.enrol(world.cast.officer)
    claim(world, enrolment_id)
    world.work(world.now + timedelta(minutes=2))
    with reading(world.parts.engine) as db:
        # the statements would be enough, for whoever they are about
        assert {row.ifi for row in db.scalars(select(Award))} == {ifi(STRANGER)}
    assert all_certificates(world.parts) == []
    world.finish(enrolment_id, scaled="0.9")
    world.attest(enrolment_id)
    world.work(world.now + timedelta(minutes=3))
    [found] = all_certificates(world.parts)
    with reading(world.parts.engine) as db:
        rows = db.scalars(select(Award).where(Award.award == found.award)).all()
    learner = actor_of(world.cast.officer.id, portal_url=world.parts.config.portal_url)
    assert {row.ifi for row in rows} == {ifi(learner)}


def test_a_merge_leaves_the_certificate_valid(world) -> None:
    world.complete(world.cast.officer)
    [before] = all_certificates(world.parts)
    later = world.now + timedelta(hours=1)
    learner = actor_of(world.cast.officer.id, portal_url=world.parts.config.portal_url)
    with writing(world.parts.engine) as db:
        persons.link(
            db,
            tenant=MAIN_TENANT,
            ifi=ifi(learner),
            to=ifi(STRANGER),
            why="the same person",
            now=later,
        )
    world.work(later)
    with reading(world.parts.engine) as db:
        entries = {row.entry for row in db.scalars(select(Award))}
    assert "reversal" in entries
    [after] = all_certificates(world.parts)
    assert (after.id, after.code, after.state) == (before.id, before.code, "valid")


def test_a_completion_in_force_again_makes_it_valid_again(world) -> None:
    world.complete(world.cast.officer)
    [found] = all_certificates(world.parts)
    with writing(world.parts.engine) as db:
        row = db.get_one(Certificate, found.id)
        row.state, row.state_reason = "under_review", certificates.TAKEN_BACK
    payload = {"tenant": MAIN_TENANT, "award": str(found.award)}
    certificates.issue_for_completion(world.parts, payload, world.now)
    [again] = all_certificates(world.parts)
    assert (again.state, again.state_reason) == ("valid", "")


def test_what_a_person_decided_stays(world) -> None:
    world.complete(world.cast.officer)
    [found] = all_certificates(world.parts)
    with writing(world.parts.engine) as db:
        row = db.get_one(Certificate, found.id)
        row.state, row.state_reason = "revoked", "Issued in error."
    payload = {"tenant": MAIN_TENANT, "award": str(found.award)}
    certificates.issue_for_completion(world.parts, payload, world.now)
    certificates.review_for_reversal(world.parts, payload, world.now)
    [again] = all_certificates(world.parts)
    assert (again.state, again.state_reason) == ("revoked", "Issued in error.")


def test_two_workers_issue_one(world, monkeypatch) -> None:
    enrolment_id = world.complete(world.cast.officer)
    [found] = all_certificates(world.parts)
    with writing(world.parts.engine) as db:
        db.delete(db.get_one(Certificate, found.id))
    both = threading.Barrier(2)
    failures: list[Exception] = []

    def render(text, *, orientation):
        pdf = render_certificate(text, orientation=orientation)
        if orientation == "landscape":
            both.wait(30)
        # as two versions of the typesetter would
        return pdf + threading.current_thread().name.encode()

    def issue() -> None:
        payload = {"tenant": MAIN_TENANT, "award": str(found.award)}
        try:
            certificates.issue_for_completion(world.parts, payload, world.now)
        except Exception as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    monkeypatch.setattr(certificates, "render_certificate", render)
    workers = [threading.Thread(target=issue) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert failures == []
    [only] = all_certificates(world.parts)
    assert only.enrolment_id == enrolment_id
    for file in only.files.values():
        with world.parts.storage.open(file["key"]) as stored:
            assert hashlib.sha256(stored.read()).hexdigest() == file["sha256"]
