"""What `/metrics` says, in the Prometheus text format.

Requests are counted where they are answered. The server has several processes: when
`PROMETHEUS_MULTIPROC_DIR` is set (`rollcall serve` sets it) they count in files of that
folder and any of them can add the sums up. The state of the outbox and of the
followers is read from the database at each scrape.
"""

import functools
import os
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lrs.jobs import Follower, Job
from lrs.tables import Clock

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Requests:
    """The counters of one process."""

    def __init__(self) -> None:
        # the library decides at import how processes share, so after the variable is set
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self.registry = CollectorRegistry()
        # looking one up by its labels takes longer than counting
        self._known: dict[tuple[str, str, str, int], tuple[Counter, Histogram]] = {}
        self.answered = Counter(
            "rollcall_requests",
            "Requests answered.",
            ("site", "route", "method", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "rollcall_request_seconds",
            "Time from the request's head to the end of the answer.",
            ("site", "route"),
            buckets=SECONDS,
            registry=self.registry,
        )

    def note(
        self, *, site: str, route: str, method: str, status: int, seconds: float
    ) -> None:
        """Count one request."""
        known = self._known.get((site, route, method, status))
        if known is None:
            known = self._known[site, route, method, status] = (
                self.answered.labels(site, route, method, str(status)),
                self.seconds.labels(site, route),
            )
        known[0].inc()
        known[1].observe(seconds)

    def text(self) -> bytes:
        """The counters of all processes."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        if not os.environ.get(FOLDER_VARIABLE):
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)


@functools.cache
def requests() -> Requests:
    """The counters of this process, made at the first request."""
    return Requests()


def state(db: Session, now: datetime) -> bytes:
    """The outbox and the followers, as lines of the same format."""
    return "".join(f"{line}\n" for line in _state(db, now)).encode()


def _state(db: Session, now: datetime) -> Iterator[str]:
    waiting = Job.done_at.is_(None)
    due, oldest = db.execute(
        select(func.count(), func.min(Job.run_at)).where(waiting, Job.run_at <= now)
    ).one()
    failing = db.scalar(
        select(func.count()).select_from(Job).where(waiting, Job.failure.is_not(None))
    )
    yield from _gauge("rollcall_jobs_due", "Jobs that should run now.", due)
    yield from _gauge("rollcall_jobs_failing", "Jobs that failed and wait.", failing)
    late = (now - oldest).total_seconds() if oldest else 0
    yield from _gauge("rollcall_jobs_late_seconds", "Age of the oldest due job.", late)
    ends = {row.tenant_id: row.seq for row in db.execute(select(Clock.__table__))}
    yield "# HELP rollcall_statements Statements stored."
    yield "# TYPE rollcall_statements gauge"
    for tenant, seq in sorted(ends.items()):
        yield f'rollcall_statements{{tenant="{tenant}"}} {seq}'
    yield "# HELP rollcall_follower_behind Statements a follower has yet to read."
    yield "# TYPE rollcall_follower_behind gauge"
    for row in db.execute(select(Follower.__table__)):
        behind = ends.get(row.tenant_id, 0) - row.seq
        labels = f'tenant="{row.tenant_id}",follower="{row.name}"'
        yield f"rollcall_follower_behind{{{labels}}} {behind}"


def _gauge(name: str, text: str, value: float | None) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} gauge"
    yield f"{name} {value or 0}"
