from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lrs import metrics
from lrs.jobs import Follower, Job
from lrs.tables import MAIN_TENANT, Clock

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session


def values(text: bytes) -> dict[str, float]:
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {
        name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)
    }


def test_requests_are_counted_by_site_route_method_and_status() -> None:
    counted = metrics.Requests()
    for status in (200, 200, 404):
        counted.note(
            site="content", route="file", method="GET", status=status, seconds=0.02
        )
    found = values(counted.text())
    labels = '{method="GET",route="file",site="content",status="%s"}'
    assert found["rollcall_requests_total" + labels % 200] == 2
    assert found["rollcall_requests_total" + labels % 404] == 1
    seconds = '{route="file",site="content"}'
    assert found["rollcall_request_seconds_count" + seconds] == 3
    assert round(found["rollcall_request_seconds_sum" + seconds], 6) == 0.06


def test_every_process_tells_the_sums_of_all(tmp_path: Path) -> None:
    program = (
        "from lrs import metrics\n"
        "made = metrics.Requests()\n"
        "made.note(site='s', route='r', method='GET', status=200, seconds=1)\n"
        "print(made.text().decode())\n"
    )
    environment = {**os.environ, metrics.FOLDER_VARIABLE: str(tmp_path)}
    for processes in (1, 2, 3):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            check=True,
        )
        total = values(done.stdout.strip())
        labels = '{method="GET",route="r",site="s",status="200"}'
        assert total["rollcall_requests_total" + labels] == processes


def test_the_state_of_outbox_and_followers(db: Session, now: datetime) -> None:
    late = now - timedelta(minutes=7)
    jobs = [
        Job(kind="a", payload={}, created_at=late, run_at=late, tries=1, failure="why"),
        Job(kind="b", payload={}, created_at=now, run_at=now, tries=0),
        Job(kind="c", payload={}, created_at=now, run_at=now + timedelta(1), tries=0),
        Job(kind="d", payload={}, created_at=now, run_at=now, tries=1, done_at=now),
    ]
    db.add_all([*jobs, Follower(tenant_id=MAIN_TENANT, name="rules", seq=30)])
    clock = db.get(Clock, MAIN_TENANT)
    assert clock is not None
    clock.seq = 42
    db.flush()
    assert values(metrics.state(db, now)) == {
        "rollcall_jobs_due": 2,
        "rollcall_jobs_failing": 1,
        "rollcall_jobs_late_seconds": 420,
        'rollcall_statements{tenant="1"}': 42,
        'rollcall_follower_behind{tenant="1",follower="rules"}': 12,
    }


def test_an_empty_database_is_idle(db: Session) -> None:
    found = values(metrics.state(db, datetime.now(UTC)))
    assert found["rollcall_jobs_due"] == found["rollcall_jobs_late_seconds"] == 0
