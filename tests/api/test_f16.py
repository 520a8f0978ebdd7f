"""F16: the management API under everything that its description allows, and does not.

Schemathesis makes requests from the document: what it allows must be answered as it
says, what it does not allow must be refused, with every check that the tool has. Some
things the document says in words alone (a cursor is one that was given out, an end lies
ahead): requests that should be accepted are made to keep to them.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
import werkzeug
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.python import wsgi as transport

import wsgi
from lrs.credentials import create_credential
from lrs.db import writing
from lrs.tables import MAIN_TENANT
from player.sittings import get_launch
from tests.player.sample import Player, add_package, make_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis.engine.recorder import ScenarioRecorder

    from lrs.parts import Parts

EXAMPLES = int(os.environ.get("ROLLCALLTEST_F16_EXAMPLES", "0"))
USUAL = {"sqlite": 200, "postgresql": 50}
schemathesis.serializer.alias(
    "application/offset+octet-stream", "application/octet-stream"
)
# tus 1.0 wants these where the tool expects others
TUS = ["400", "401", "403", "404", "405", "409", "411", "412", "413", "415", "460"]
APART = {"extra-data-sources": {"responses": False}}
GROUPS = ["credentials", "packages", "uploads_api", "launches", "history"]
# told in words, not by the schema
PIECES = ["2xx", "401", "403", "404", "409", "413"]
NETWORK = {"allow_redirects", "cert", "max_redirects", "proxies", "timeout", "verify"}
IN_WORDS = {"expires_at": "2999-01-01T00:00:00Z", "name": "A system"}


class Client(werkzeug.Client):
    """In the process: what the tool says for the network is left out."""

    def open(self, *args: Any, **words: Any) -> Any:
        kept = {name: value for name, value in words.items() if name not in NETWORK}
        return super().open(*args, **kept)


class Api:
    """An installation with something in it, and the tool's view of it."""

    def __init__(self, parts: Parts, group: str, examples: int) -> None:
        self.app = wsgi.create_app(parts)
        now = datetime.now(UTC)
        with writing(parts.engine) as db:
            issued = create_credential(
                db,
                tenant=MAIN_TENANT,
                name="A system",
                home_page=parts.config.portal_url,
                now=now,
                scopes=("all", "credentials/write"),
            )
            package = add_package(db, make_unit(0), make_unit(1), now=now)
            learner = Player(db, parts.config, package, now).open()
            launch = get_launch(db, launch_id=learner.launch_id)
            self.known = {
                "package_id": str(package.id),
                "registration": str(launch.registration),
                "launch_id": str(launch.id),
                "credential_id": str(issued.id),
            }
        self.calls = 0
        document = self.app.test_client().get("/api/v1/openapi.json").get_json()
        assert {one["name"] for one in document["tags"]} == set(GROUPS)
        document["paths"] = {
            path: calls
            for path, calls in document["paths"].items()
            if any("tags" in one and group in one["tags"] for one in calls.values())
        }
        self.schema = schemathesis.openapi.from_dict(
            document, config=settings(issued, examples)
        )
        self.schema.app = self.app

    def keep_to_the_words(self, case: Any) -> None:
        """Never wait; of what should be accepted, every other is about what is there."""
        if "Prefer" in (case.headers or {}):
            case.headers["Prefer"] = "wait=0"
        if case.meta is None or not case.meta.generation.mode.is_positive:
            return
        self.calls += 1
        if case.query:
            case.query.pop("cursor", None)
        if "/uploads" in case.path:
            keep_to_tus(case)
        if isinstance(case.body, dict):
            if isinstance(case.body.get("unit"), int):
                case.body["unit"] %= 2
            if "[" in case.body.get("return_url", ""):
                del case.body["return_url"]
            for name in IN_WORDS.keys() & case.body.keys():
                if isinstance(case.body[name], str):
                    case.body[name] = IN_WORDS[name]
        if case.method != "DELETE" and self.calls % 2:
            for name in self.known.keys() & (case.path_parameters or {}).keys():
                case.path_parameters[name] = self.known[name]


def keep_to_tus(case: Any) -> None:
    """Make headers such as go with a piece that is to be taken."""
    headers = case.headers
    headers.pop("Upload-Checksum", None)
    if "Upload-Metadata" in headers:
        headers["Upload-Metadata"] = "filename YS56aXA="
    if headers.get("X-HTTP-Method-Override") == "PATCH":
        headers.setdefault("Upload-Offset", "0")
        if not isinstance(case.body, bytes):
            headers["X-HTTP-Method-Override"] = "DELETE"


def settings(issued: Any, examples: int) -> SchemathesisConfig:
    auth = {"username": issued.key, "password": issued.secret}
    tus = {"expected-statuses": TUS}
    return SchemathesisConfig.from_dict(
        {
            "seed": 16,
            "continue-on-failure": True,
            "auth": {"openapi": {"basic": auth}},
            "generation": {
                "max-examples": examples,
                "deterministic": True,
                "no-shrink": True,
                "database": "none",
                # refused in texts, wherever they stand
                "allow-x00": False,
            },
            # what is sent must not depend on what was answered: ids and times differ
            "phases": {
                "examples": APART,
                "coverage": APART,
                "fuzzing": APART | {"error-feedback": {"enabled": False}},
                # chains of calls live on the ids that are answered: in the drill
                "stateful": {"enabled": bool(EXAMPLES)},
            },
            "operations": [
                {
                    # one that was revoked goes on being shown, as revoked
                    "include-path-regex": "/credentials/",
                    "checks": {"use_after_free": {"enabled": False}},
                },
                {
                    "include-path-regex": "/uploads",
                    "checks": {
                        "negative_data_rejection": tus,
                        "missing_required_header": tus,
                        "positive_data_acceptance": {"expected-statuses": PIECES},
                    },
                },
            ],
        }
    )


def error_of(event: Any) -> Exception:
    """The tool's own error: a request that it could not make."""
    error: Exception = event.value if hasattr(event, "value") else event.exception
    return error


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "get_client", Client)


def failures(recorder: ScenarioRecorder) -> Iterator[str]:
    """What went wrong in one scenario, with the request that shows it."""
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is None:
                continue
            case = recorder.cases[case_id].value
            answer = recorder.interactions[case_id].response
            yield (
                f"{recorder.label} {check.name}: {check.failure_info.failure.message}\n"
                f"  {case.path_parameters} {case.query} {dict(case.headers or {})}\n"
                f"  {str(case.body)[:300]}\n"
                f"  {answer and (answer.status_code, answer.content[:300])}"
            )


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.usefixtures("client")
@pytest.mark.filterwarnings("default")
def test_the_api_does_what_its_description_says(
    parts: Parts,
    database: str,
    group: str,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
) -> None:
    caplog.set_level(logging.CRITICAL)
    api = Api(parts, group, EXAMPLES or USUAL[database])

    @schemathesis.hook
    def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
        api.keep_to_the_words(case)

    @schemathesis.hook
    def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
        # HTTP has unknown headers ignored (RFC 9110 5.1)
        return "in header - object with unexpected properties" not in failure.message

    request.addfinalizer(schemathesis.hooks.unregister_all)
    found, tried, asked = [], Counter[str](), Counter[str]()
    event: Any
    for event in from_schema(api.schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            found.append(f"{event.label}: {error_of(event)!r}")
        elif isinstance(event, events.ScenarioFinished):
            found += failures(event.recorder)
            asked[event.recorder.label] += len(event.recorder.cases)
            tried[event.phase.name] += 1
    assert not found, "\n".join([f"{len(found)} failures", *found[:12]])
    operations = api.schema.statistic.operations.selected
    assert tried["FUZZING"] == operations
    # a call without anything to vary is asked once
    assert sum(asked.values()) > operations * (EXAMPLES or USUAL[database]) / 2
    print(  # noqa: T201 - the figure
        f"F16 {database} {group}: {operations} operations, {sum(asked.values())} requests, "
        "0 failures"
    )
