"""Certificates: the page, the stored PDF, and the check that is open to anyone."""

import uuid

from flask import Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from lrs.db import reading, writing
from lrs.views.access import allow
from lrs.views.application import parts
from portal import certificates
from portal.access import require, roles_for
from portal.audit import record_act
from portal.training import cycles
from portal.typeset import ORIENTATIONS
from portal.views.pages import clock, page_blueprint, render
from portal.views.signin import signed_in
from statements.errors import NotFound

BLUEPRINT = page_blueprint("certificates")


@BLUEPRINT.get("/my/certificates")
@allow("role", *roles_for("certificates.view"))
def mine() -> str:
    with reading(parts().engine) as db:
        found = certificates.find_certificates(db, user_ids=[signed_in().id])
        return render("certificates/list.html", certificates=found)


@BLUEPRINT.get("/certificates/<uuid:certificate_id>")
@allow("role", *roles_for("certificates.view"))
def show(certificate_id: uuid.UUID) -> str:
    config, me = parts().config, signed_in()
    with reading(parts().engine) as db:
        found = certificates.get_certificate(db, certificate_id=certificate_id)
        require(
            me.principal,
            "certificates.view",
            owner=found.user_id,
            agency=found.agency_id,
        )
        address = certificates.verify_url(config, found.code)
        return render(
            "certificates/certificate.html",
            certificate=found,
            sentence=certificates.sentence_of(found),
            facts=certificates.facts_of(found, all_cycles=cycles()),
            verify_text=address.partition("://")[2],
            back=_back(found.user_id),
        )


def _back(owner: uuid.UUID) -> dict[str, str]:
    if owner == signed_in().id:
        return {"href": "/my/certificates", "label": "My certificates"}
    return {"href": f"/agency/learners/{owner}", "label": "The learner"}


@BLUEPRINT.get("/certificates/<uuid:certificate_id>.pdf")
@allow("role", *roles_for("certificates.view"))
def pdf(certificate_id: uuid.UUID) -> Response:
    me, now = signed_in(), clock()
    orientation = request.args.get("orientation", "portrait")
    if orientation not in ORIENTATIONS:
        raise NotFound
    with reading(parts().engine) as db:
        found = certificates.get_certificate(db, certificate_id=certificate_id)
        require(
            me.principal,
            "certificates.view",
            owner=found.user_id,
            agency=found.agency_id,
        )
        key = certificates.pdf_key(found, orientation=orientation)
        code, owner = found.code, found.user_id
    if owner != me.id:
        with writing(parts().engine) as db:
            record_act(
                db,
                user_id=me.id,
                action="certificate.downloaded",
                subject="certificate",
                subject_id=certificate_id,
                detail={"learner": str(owner)},
                now=now,
            )
    with parts().storage.open(key) as file:
        body = file.read()
    return Response(
        body,
        mimetype="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="certificate-{code}.pdf"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


@BLUEPRINT.get("/verify")
@allow("public")
def ask() -> str | BaseResponse:
    code = request.args.get("code", "").strip()[:40]
    normal = certificates.normal_code(code)
    if normal:
        return redirect(f"/verify/{normal}")
    return render("certificates/verify.html", code=code, certificate=None, facts=[])


@BLUEPRINT.get("/verify/<code>")
@allow("public")
def verify(code: str) -> tuple[str, int]:
    code = code[:40]
    with reading(parts().engine) as db:
        found = certificates.find_by_code(db, code=code)
        facts = certificates.facts_of(found, all_cycles=cycles()) if found else []
        page = render(
            "certificates/verify.html", code=code, certificate=found, facts=facts
        )
    return page, 200 if found else 404
