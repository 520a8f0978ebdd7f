"""Addresses for those who run it: `/health/live`, `/health/ready`, `/metrics`.

They tell states and counts, nothing about persons; a proxy should keep `/metrics`
from the public all the same.
"""

from datetime import UTC, datetime

import orjson
from flask import Blueprint, Response

from lrs import doctor, metrics
from lrs.db import reading
from lrs.views.access import allow
from lrs.views.application import parts

BLUEPRINT = Blueprint("operations", __name__)


def _answer(status: int, body: dict[str, object]) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(
        orjson.dumps(body),
        status=status,
        headers=headers,
        content_type="application/json",
    )


@BLUEPRINT.get("/health/live")
@allow("public")
def live() -> Response:
    return _answer(200, {"status": "live"})


@BLUEPRINT.get("/health/ready")
@allow("public")
def ready() -> Response:
    checks = doctor.readiness(parts())
    failed = any(check.state == "failed" for check in checks)
    # what exactly is broken is told in the log, not to everybody
    states = {check.name: check.state for check in checks}
    for check in checks:
        if check.state == "failed":
            doctor.log.error(
                "not ready", extra={"check": check.name, "detail": check.detail}
            )
    if failed:
        return _answer(503, {"status": "not ready", "checks": states})
    return _answer(200, {"status": "ready", "checks": states})


@BLUEPRINT.get("/metrics")
@allow("public")
def scrape() -> Response:
    with reading(parts().engine) as db:
        state = metrics.state(db, datetime.now(UTC))
    return Response(
        metrics.requests().text() + state,
        content_type="text/plain; version=0.0.4; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )
