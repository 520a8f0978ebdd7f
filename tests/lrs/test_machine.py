"""The record store beside a model of it that fits on a page, in any order of requests.

Three callers of one store: two that read everything, one that reads its own. After
every request the answer is what the model says: statements, voids in either order,
posting again, filters, pages that others write between, documents and their ETags.
"""

from __future__ import annotations

import hashlib
import os
import random
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson
from hypothesis import HealthCheck, Phase, settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from statements.vocabulary import VOIDED
from tests.lrs.views.conftest import Lrs, application, issue, new_tenant

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from lrs.parts import Parts

EXAMPLES = int(os.environ.get("ROLLCALLTEST_MACHINE_EXAMPLES", "6"))
STEPS = int(os.environ.get("ROLLCALLTEST_MACHINE_STEPS", "150"))
SHRINK = bool(os.environ.get("ROLLCALLTEST_MACHINE_SHRINK"))
PEOPLE = [f"mailto:person{number}@example.org" for number in range(3)]
VERBS = [f"http://example.org/verbs/{number}" for number in range(3)]
ACTIVITIES = [f"http://example.org/activities/{number}" for number in range(3)]
REGISTRATIONS = [str(uuid.UUID(int=number, version=4)) for number in range(2)]
STATE = "/xapi/activities/state"
AGENT_PROFILE = "/xapi/agents/profile"
ACTIVITY_PROFILE = "/xapi/activities/profile"
JSON = "application/json"
MINE = 2  # the caller that reads its own statements only


@dataclass
class Stored:
    """A statement as the model keeps it."""

    sent: dict[str, Any]
    caller: int

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.sent["id"])

    @property
    def target(self) -> str | None:
        """The id of the statement that is its object."""
        target = self.sent["object"]
        is_reference = target.get("objectType") == "StatementRef"
        return target["id"] if is_reference else None

    @property
    def voids(self) -> bool:
        """Whether it is a voiding one."""
        return bool(self.sent["verb"]["id"] == VOIDED)


@dataclass
class Model:
    """What a record store holds and answers."""

    log: list[Stored] = field(default_factory=list)
    documents: dict[tuple[str, ...], tuple[bytes, str]] = field(default_factory=dict)

    def find(self, statement_id: str) -> Stored | None:
        """Give the statement of this id."""
        return next((one for one in self.log if one.id == statement_id), None)

    def is_voided(self, one: Stored) -> bool:
        """Whether one of the same authority voids it, early or late."""
        return not one.voids and any(
            other.voids and other.target == one.id and other.caller == one.caller
            for other in self.log
        )

    def matches(self, one: Stored, wanted: dict[str, str], caller: int) -> bool:
        """Whether it, or what it refers to, is what is looked for."""
        now: Stored | None = one
        seen: set[str] = set()
        while now is not None and now.id not in seen:
            if caller == MINE and now.caller != MINE:
                return False
            if self._itself(now.sent, wanted):
                return True
            seen.add(now.id)
            now = None if now.target is None else self.find(now.target)
        return False

    def _itself(self, sent: dict[str, Any], wanted: dict[str, str]) -> bool:
        has = {
            "agent": orjson.dumps(sent["actor"]).decode(),
            "verb": sent["verb"]["id"],
            "activity": sent["object"]["id"],
            "registration": sent.get("context", {}).get("registration"),
        }
        if sent["object"].get("objectType") == "StatementRef":
            has["activity"] = None
        return all(has[name] == value for name, value in wanted.items())

    def page(self, wanted: dict[str, str], caller: int, *, until: int) -> list[str]:
        """Give the ids that a reader gets, newest first, of the first `until`."""
        return [
            one.id
            for one in self.log[:until][::-1]
            if self.matches(one, wanted, caller) and not self.is_voided(one)
        ]


@dataclass
class Open:
    """A page that somebody may go on from."""

    more: str
    wanted: dict[str, str]
    caller: int
    until: int
    last: str
    ascending: bool


# one number for each step: what hypothesis draws for a run is bounded
seeds = strategies.integers(0, 2**32 - 1)


def some_filter(chance: random.Random) -> dict[str, str]:
    """Give parameters of a query, often none."""
    agent = orjson.dumps({"mbox": chance.choice(PEOPLE)}).decode()
    given = {
        "agent": agent,
        "verb": chance.choice([*VERBS, VOIDED]),
        "activity": chance.choice(ACTIVITIES),
        "registration": chance.choice(REGISTRATIONS),
    }
    return {name: item for name, item in given.items() if chance.random() < 0.25}


# few, so that requests meet
ADDRESSES: list[tuple[str, ...]] = [
    (STATE, PEOPLE[0], ACTIVITIES[0], "a", ""),
    (STATE, PEOPLE[0], ACTIVITIES[0], "a", REGISTRATIONS[0]),
    (STATE, PEOPLE[1], ACTIVITIES[0], "a", ""),
    (AGENT_PROFILE, PEOPLE[0], "a"),
    (ACTIVITY_PROFILE, ACTIVITIES[0], "a"),
]
CONTENTS = [
    (b'{"a":1}', JSON),
    (b'{"b":{"c":null}}', JSON),
    (b"[1]", JSON),
    (b"\x00\xff", "application/octet-stream"),
    (b"text", "text/plain"),
]
PRECONDITIONS = ["", "", "right", "wrong", "any", "none"]
VERSIONS = ["1.0.3", "2.0.0"]


def query_of(address: tuple[str, ...]) -> dict[str, str]:
    """Give the parameters of a document's address."""
    kind = address[0]
    if kind == STATE:
        _, person, activity, name, registration = address
        query = {
            "agent": orjson.dumps({"mbox": person}).decode(),
            "activityId": activity,
            "stateId": name,
        }
        return query | ({"registration": registration} if registration else {})
    if kind == AGENT_PROFILE:
        agent = orjson.dumps({"mbox": address[1]}).decode()
        return {"agent": agent, "profileId": address[2]}
    return {"activityId": address[1], "profileId": address[2]}


def merged(old: tuple[bytes, str] | None, new: tuple[bytes, str]) -> bytes | None:
    """Give the content after POST; None where it is refused."""
    values: list[Any] = []
    for one in (old, new):
        if one is None:
            values.append({})
            continue
        try:
            values.append(orjson.loads(one[0]) if one[1] == JSON else None)
        except orjson.JSONDecodeError:
            values.append(None)
    if not all(isinstance(value, dict) for value in values):
        return None
    return orjson.dumps(values[0] | values[1])


def machine_of(app: Flask, parts: Parts) -> type[RuleBasedStateMachine]:
    """Give a machine whose runs each have a record store of their own."""

    class Machine(RuleBasedStateMachine):
        """Requests at random, each compared with the model's answer."""

        @initialize()
        def begin(self) -> None:
            tenant = new_tenant(parts)
            scopes = [
                ["all"],
                ["all"],
                ["statements/write", "statements/read/mine", "state", "profile"],
            ]
            self.callers = [
                Lrs(app, parts, issue(parts, one, tenant)) for one in scopes
            ]
            self.model = Model()
            self.open: list[Open] = []
            # ids that statements will have, so that voids may name them before
            self.coming = [str(uuid.uuid4()) for _ in range(1000)]

        def caller(self, chance: random.Random) -> tuple[int, Lrs]:
            """Give a caller, speaking either version."""
            number = chance.randrange(3)
            return number, self.callers[number].speaking(chance.choice(VERSIONS))

        def made(self, chance: random.Random) -> dict[str, Any]:
            kind = chance.choice(["activity"] * 3 + ["reference", "void", "early void"])
            known = [one.id for one in self.model.log]
            statement: dict[str, Any] = {
                "id": self.coming.pop(0),
                "actor": {"mbox": chance.choice(PEOPLE)},
                "verb": {"id": chance.choice(VERBS)},
                "object": {"id": chance.choice(ACTIVITIES)},
            }
            if chance.random() < 0.5:
                registration = chance.choice(REGISTRATIONS)
                statement["context"] = {"registration": registration}
            target = None
            if kind == "early void":
                target = self.coming[chance.randrange(4)]
            elif kind != "activity" and known:
                target = chance.choice(known)
            if target is not None:
                statement["object"] = {"objectType": "StatementRef", "id": target}
                if kind != "reference":
                    statement["verb"] = {"id": VOIDED}
            return statement

        def may_store(self, batch: list[dict[str, Any]], caller: int) -> bool:
            """Whether none of them voids what another stored."""
            for sent in batch:
                one = Stored(sent, caller)
                target = self.model.find(one.target or "") if one.voids else None
                if target is not None and target.caller != caller:
                    return False
            return True

        @rule(seed=seeds)
        def store(self, seed: int) -> None:
            chance = random.Random(seed)  # noqa: S311 - repeatable
            number, caller = self.caller(chance)
            batch = [self.made(chance) for _ in range(chance.randint(1, 3))]
            answer = caller.post(batch)
            if not self.may_store(batch, number):
                assert answer.status_code == 403, answer.text
                return
            assert answer.status_code == 200, answer.text
            assert answer.get_json() == [one["id"] for one in batch]
            self.model.log += [Stored(one, number) for one in batch]

        @rule(seed=seeds)
        def put(self, seed: int) -> None:
            chance = random.Random(seed)  # noqa: S311 - repeatable
            number, caller = self.caller(chance)
            sent = self.made(chance)
            answer = caller.call("PUT", body=sent, statementId=sent["id"])
            allowed = self.may_store([sent], number)
            assert answer.status_code == (204 if allowed else 403), answer.text
            if allowed:
                self.model.log.append(Stored(sent, number))

        @precondition(lambda self: self.model.log)
        @rule(seed=seeds, is_changed=strategies.booleans())
        def store_again(self, seed: int, *, is_changed: bool) -> None:
            """A known one, with a new one beside it that must not come alone."""
            chance = random.Random(seed)  # noqa: S311 - repeatable
            number, caller = self.caller(chance)
            again = dict(chance.choice(self.model.log).sent)
            new = {
                "id": self.coming.pop(0),
                "actor": {"mbox": chance.choice(PEOPLE)},
                "verb": {"id": VERBS[0]},
                "object": {"id": ACTIVITIES[0]},
            }
            if is_changed:
                again["result"] = {"response": "changed"}
            answer = caller.post([new, again])
            assert answer.status_code == (409 if is_changed else 200), answer.text
            if not is_changed:
                self.model.log.append(Stored(new, number))

        @precondition(lambda self: self.model.log)
        @rule(seed=seeds)
        def by_id(self, seed: int) -> None:
            chance = random.Random(seed)  # noqa: S311 - repeatable
            number, reader = self.caller(chance)
            one = chance.choice(self.model.log)
            may_read = number != MINE or one.caller == MINE
            is_voided = self.model.is_voided(one)
            for name, there in (
                ("statementId", may_read and not is_voided),
                ("voidedStatementId", may_read and is_voided),
            ):
                answer = reader.get(**{name: one.id})
                assert answer.status_code == (200 if there else 404), answer.text
                if there:
                    read = answer.get_json()
                    assert {n: read[n] for n in one.sent} == one.sent

        @rule(seed=seeds, ascending=strategies.booleans())
        def look(self, seed: int, *, ascending: bool) -> None:
            """The first page, which somebody may go on from later."""
            chance = random.Random(seed)  # noqa: S311 - repeatable
            number, reader = self.caller(chance)
            wanted, limit = some_filter(chance), chance.randint(1, 5)
            order = {"ascending": "true"} if ascending else {}
            answer = reader.get(limit=str(limit), **order, **wanted)
            page = Open("", wanted, number, len(self.model.log), "", ascending)
            self.check_page(answer, page, self.left(page), limit)

        def left(self, page: Open) -> list[str]:
            """What follows on a page, of what was there at the first of its pages."""
            found = self.model.page(page.wanted, page.caller, until=page.until)
            order = [one.id for one in self.model.log[: page.until]]
            if page.ascending:
                found.reverse()
            else:
                order.reverse()
            after = set(order[order.index(page.last) + 1 :] if page.last else order)
            return [one for one in found if one in after]

        @precondition(lambda self: self.open)
        @rule(seed=seeds)
        def go_on(self, seed: int) -> None:
            """The next page, whatever was written since the first."""
            page = self.open.pop(seed % len(self.open))
            answer = self.callers[page.caller].get(page.more)
            self.check_page(answer, page, self.left(page), None)

        def check_page(
            self, answer: TestResponse, page: Open, rest: list[str], limit: int | None
        ) -> None:
            assert answer.status_code == 200, answer.text
            given = answer.get_json()
            ids = [one["id"] for one in given["statements"]]
            assert ids == rest[: len(ids)]
            if limit is not None:
                assert len(ids) == min(limit, len(rest))
            assert bool(given["more"]) == (len(ids) < len(rest))
            if given["more"]:
                self.open.append(replace(page, more=given["more"], last=ids[-1]))

        @precondition(lambda self: self.model.log)
        @rule(seed=seeds)
        def since_and_until(self, seed: int) -> None:
            number = seed % len(self.model.log)
            one = self.model.log[number]
            reader = self.callers[0]
            voided = self.model.is_voided(one)
            name = "voidedStatementId" if voided else "statementId"
            stored = reader.get(**{name: one.id}).get_json()["stored"]
            whole = self.model.page({}, 0, until=len(self.model.log))
            before = self.model.page({}, 0, until=number + 1)
            assert reader.found(until=stored, limit="500") == before
            assert reader.found(since=stored, limit="500") == [
                each for each in whole if each not in before
            ]

        @rule(seed=seeds, method=strategies.sampled_from(["PUT", "POST", "DELETE"]))
        def write_document(self, seed: int, method: str) -> None:
            chance = random.Random(seed)  # noqa: S311 - repeatable
            _, caller = self.caller(chance)
            version = caller.version
            address, content = chance.choice(ADDRESSES), chance.choice(CONTENTS)
            how = chance.choice(PRECONDITIONS)
            old = self.model.documents.get(address)
            etag = hashlib.sha1(old[0] if old else b"", usedforsecurity=False)
            headers = {
                "": {},
                "right": {"If-Match": f'"{etag.hexdigest()}"'},
                "wrong": {"If-Match": f'"{"0" * 40}"'},
                "any": {"If-Match": "*"},
                "none": {"If-None-Match": "*"},
            }[how]
            holds = {
                "": True,
                "right": old is not None,
                "wrong": False,
                "any": old is not None,
                "none": old is None,
            }[how]
            is_new_version = version == "2.0.0"
            expected = 204
            if not holds:
                expected = 412
            elif method == "PUT" and not headers:
                if old is None:
                    needs = address[0] != STATE and not is_new_version
                    expected = 400 if needs else 204
                elif address[0] != STATE or is_new_version:
                    expected = 409
            new: bytes | None = content[0]
            if method == "POST":
                new = merged(old, content)
                if new is None and expected == 204:
                    expected = 400
                elif new is None:
                    # refused for either reason
                    expected = 0
            answer = caller.call(
                method,
                address[0],
                body=None if method == "DELETE" else content[0],
                headers={"Content-Type": content[1]} | headers,
                **query_of(address),
            )
            if expected == 0:
                assert answer.status_code in {400, 412}, answer.text
                return
            assert answer.status_code == expected, (how, method, old, answer.text)
            if expected == 204:
                if method == "DELETE":
                    self.model.documents.pop(address, None)
                elif new is not None:
                    self.model.documents[address] = (new, content[1])

        @rule(seed=seeds)
        def read_document(self, seed: int) -> None:
            chance = random.Random(seed)  # noqa: S311 - repeatable
            _, reader = self.caller(chance)
            address = chance.choice(ADDRESSES)
            answer = reader.get(address[0], **query_of(address))
            known = self.model.documents.get(address)
            assert answer.status_code == (404 if known is None else 200), answer.text
            if known is None:
                return
            assert answer.content_type == known[1]
            if known[1] == JSON:
                assert orjson.loads(answer.data) == orjson.loads(known[0])
            else:
                assert answer.data == known[0]
            digest = hashlib.sha1(answer.data, usedforsecurity=False).hexdigest()
            assert answer.headers["ETag"] == f'"{digest}"'
            # what the store wrote is what it is compared with from now on
            self.model.documents[address] = (answer.data, known[1])

        def teardown(self) -> None:
            if not hasattr(self, "model"):
                return
            for caller in range(3):
                found = self.callers[caller].found(limit="500")
                whole = self.model.page({}, caller, until=len(self.model.log))
                assert found == whole[:500]

    return Machine


def test_the_record_store_is_as_its_model(parts: Parts) -> None:
    run_state_machine_as_test(
        machine_of(application(parts), parts),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="ROLLCALLTEST_MACHINE_EXAMPLES" not in os.environ,
            # to make a failure smaller takes hundreds of runs
            phases=[Phase.generate, *([Phase.shrink] if SHRINK else [])],
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
