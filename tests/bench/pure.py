"""Speed of the pure side: how long a statement takes before the store sees it.

Ratios are to `orjson.loads` of the same bytes in the same run. A dozen kinds of
statements, 0.4 to 1.8 KB, come in turn; most people and activities come back, as they
do in a record store, and one figure is for the case that none ever does.
"""

from __future__ import annotations

import random
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import orjson

from statements import text
from statements.prepare import prepare
from statements.validate import check_statement, forget

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE, ACTIVITIES, EACH, ROUNDS = 400, 300, 25, 40
# the figure that has a target
JUDGED = "decode and check"
HOME = "https://learning.example.gov"
VERBS = "http://adlnet.gov/expapi/verbs/"
TYPES = "http://adlnet.gov/expapi/activities/"
NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
AUTHORITY = (
    b'{"objectType":"Agent","account":{"homePage":"https://example.gov","name":"x"}}'
)


class Maker:
    """Makes statements of every kind; people and activities come back, or never do."""

    def __init__(self, *, returning: bool = True) -> None:
        self.chance = random.Random("pure")  # noqa: S311 - a repeatable choice
        self.returning = returning

    def number(self, limit: int) -> int:
        """Give the number of a person or activity."""
        return self.chance.randrange(limit if self.returning else 10**9)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def person(self) -> dict[str, Any]:
        number = self.number(PEOPLE)
        name = f"Officer {number:04d}"
        kinds: tuple[dict[str, Any], ...] = (
            {"account": {"homePage": HOME, "name": f"{number:08x}-7f3c-4e1b"}},
            {"mbox": f"mailto:officer{number}@agency{number % 20}.example.gov"},
            {"mbox_sha1sum": f"{number:040x}"},
        )
        return {"objectType": "Agent", "name": name, **kinds[min(number % 5, 2)]}

    def group(self) -> dict[str, Any]:
        account = {"homePage": HOME, "name": f"team-{self.number(20)}"}
        members = [self.person() for _ in range(4)]
        return {"objectType": "Group", "account": account, "member": members}

    def activity(self, kind: str, *, defined: bool = True) -> dict[str, Any]:
        number = self.number(ACTIVITIES)
        made: dict[str, Any] = {
            "objectType": "Activity",
            "id": f"{HOME}/activities/{kind}/{number}",
        }
        if defined:
            made["definition"] = {
                "type": f"{TYPES}{kind}",
                "name": {"en-US": f"Part {number} of a calm voice"},
                "description": {
                    "en-US": "How to slow a tense talk down, and how to keep it slow."
                },
            }
        return made

    def verb(self, name: str) -> dict[str, Any]:
        return {"id": VERBS + name, "display": {"en-US": name}}

    def context(self, *, categories: int = 1) -> dict[str, Any]:
        return {
            "registration": self.uuid(),
            "contextActivities": {
                "parent": [self.activity("lesson", defined=False)],
                "grouping": [self.activity("course", defined=False)],
                "category": [
                    {"id": f"https://w3id.org/xapi/{name}"}
                    for name in ("cmi5/context/categories/cmi5", "scorm", "acrossx")
                ][:categories],
            },
            "platform": "Rollcall",
            "language": "en-US",
            "extensions": {
                "https://w3id.org/xapi/cmi5/context/extensions/sessionid": self.uuid()
            },
        }

    def statement(self, verb: str, kind: str, **more: Any) -> dict[str, Any]:
        instant = NOW - timedelta(seconds=self.chance.randrange(10_000_000))
        return {
            "id": self.uuid(),
            "actor": self.person(),
            "verb": self.verb(verb),
            "object": self.activity(kind),
            "context": self.context(),
            "timestamp": instant.isoformat().replace("+00:00", "Z"),
            **more,
        }

    def score(self) -> dict[str, Any]:
        raw = self.chance.randrange(101)
        return {"scaled": raw / 100, "raw": raw, "min": 0, "max": 100}

    def duration(self) -> str:
        return f"PT{self.chance.randrange(60)}M{self.chance.randrange(6000) / 100}S"


def _small(make: Maker) -> dict[str, Any]:
    made = make.statement("experienced", "lesson")
    del made["context"], made["object"]["definition"]
    return made


def _bare(make: Maker) -> dict[str, Any]:
    made = make.statement("launched", "course")
    del made["id"], made["timestamp"]
    return made


def _choice(make: Maker) -> dict[str, Any]:
    made = make.statement(
        "answered",
        "cmi.interaction",
        result={
            "success": True,
            "response": "b",
            "duration": make.duration(),
            "score": {"scaled": 1},
        },
    )
    made["object"]["definition"] |= {
        "interactionType": "choice",
        "correctResponsesPattern": ["b"],
        "choices": [
            {"id": letter, "description": {"en-US": f"Answer {letter} to the question"}}
            for letter in "abcd"
        ],
    }
    return made


def _fill_in(make: Maker) -> dict[str, Any]:
    made = make.statement(
        "answered",
        "cmi.interaction",
        result={"response": "a long answer in words " * 20, "completion": True},
    )
    made["object"]["definition"]["interactionType"] = "long-fill-in"
    return made


def _passed(make: Maker) -> dict[str, Any]:
    result = {"score": make.score(), "success": True, "duration": make.duration()}
    return make.statement(
        "passed", "assessment", result=result, context=make.context(categories=3)
    )


def _completed(make: Maker) -> dict[str, Any]:
    result = {"completion": True, "duration": make.duration()}
    return make.statement("completed", "course", result=result)


def _progressed(make: Maker) -> dict[str, Any]:
    extensions = {"https://w3id.org/xapi/cmi5/result/extensions/progress": 40}
    return make.statement("progressed", "lesson", result={"extensions": extensions})


def _watched(make: Maker) -> dict[str, Any]:
    base = "https://w3id.org/xapi/video/extensions/"
    made = make.statement(
        "paused",
        "media",
        result={
            "extensions": {
                f"{base}time": 12.75,
                f"{base}progress": 0.34,
                f"{base}played-segments": "0[.]3.2[,]5.1[.]12.75",
            }
        },
    )
    made["context"]["extensions"] |= {
        f"{base}length": 184.2,
        f"{base}quality": "720x1280",
        f"{base}speed": "1x",
        f"{base}volume": 1,
        f"{base}user-agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101",
    }
    return made


def _team(make: Maker) -> dict[str, Any]:
    made = make.statement("attended", "meeting")
    made["context"] |= {"instructor": make.person(), "team": make.group()}
    return made


def _reference(make: Maker) -> dict[str, Any]:
    made = make.statement("commented", "course")
    made["object"] = {"objectType": "StatementRef", "id": make.uuid()}
    made["context"] = {"registration": make.uuid()}
    return made | {"result": {"response": "Seen and discussed at the roll call."}}


def _planned(make: Maker) -> dict[str, Any]:
    made = make.statement("planned", "course")
    inner = make.statement("attended", "meeting")
    del inner["id"], made["context"]["platform"]
    return made | {"object": {"objectType": "SubStatement", **inner}}


def _attached(make: Maker) -> dict[str, Any]:
    attachment = {
        "usageType": "http://id.tincanapi.com/attachment/supporting_media",
        "display": {"en-US": "Policy of the agency"},
        "contentType": "application/pdf",
        "length": 48_210,
        "sha2": f"{make.chance.getrandbits(256):064x}",
        "fileUrl": f"{HOME}/policies/1.pdf",
    }
    return make.statement("shared", "file", attachments=[attachment])


def _forwarded(make: Maker) -> dict[str, Any]:
    made = make.statement("completed", "course", result={"completion": True})
    return made | {
        "stored": made["timestamp"],
        "authority": {"mbox": "mailto:lrs@example.gov", "objectType": "Agent"},
        "version": "1.0.3",
    }


KINDS: dict[str, Callable[[Maker], dict[str, Any]]] = {
    "small": _small,
    "without id and timestamp": _bare,
    "choice": _choice,
    "long fill-in": _fill_in,
    "passed": _passed,
    "completed": _completed,
    "progressed": _progressed,
    "video": _watched,
    "team": _team,
    "reference": _reference,
    "sub-statement": _planned,
    "attachment": _attached,
    "forwarded": _forwarded,
}


def measured(
    acts: dict[str, Callable[[Any], object]],
    chunks: list[list[Any]],
    *,
    each: int = 1,
    before: Callable[[], object] = lambda: None,
) -> list[tuple[str, float, float]]:
    """Give the row of each act; the first one is what the others are compared with.

    Every act has its turn in every round, and of each chunk the fastest round counts:
    others have use of the machine too. An item of a chunk is `each` statements.
    """
    best = {name: [float("inf")] * len(chunks) for name in acts}
    for _ in range(ROUNDS):
        for (name, act), (index, chunk) in product(acts.items(), enumerate(chunks)):
            before()
            began = time.perf_counter()
            for item in chunk:
                act(item)
            took = time.perf_counter() - began
            best[name][index] = min(best[name][index], took)
    count = sum(map(len, chunks)) * each
    took_by = {name: sum(one) / count * 1e6 for name, one in best.items()}
    base = next(iter(took_by.values()))
    return [(name, took, took / base) for name, took in took_by.items()]


def check(body: bytes) -> None:
    """Decode and check a statement."""
    check_statement(orjson.loads(body), version="1.0.3")


def ready(body: bytes) -> None:
    """Do all that comes before the store, for one statement or a list of them."""
    for statement, raw in text.split_statements(body):
        prepare(statement, raw, now=NOW)


def rows() -> list[tuple[str, float, float]]:
    """Give what is done, microseconds for a statement, the ratio to decoding it."""
    make = Maker()
    mixed = [[orjson.dumps(one(make)) for one in KINDS.values()] for _ in range(EACH)]
    found = measured(
        {"decode": orjson.loads, JUDGED: check, "all up to the store": ready}, mixed
    )

    strangers = Maker(returning=False)
    new = [
        [orjson.dumps(one(strangers)) for one in KINDS.values()] for _ in range(EACH)
    ]
    usual = [orjson.dumps(one(strangers)) for one in KINDS.values()]

    def forget_people() -> None:
        forget()
        for body in usual:
            check(body)

    acts = {
        "decode": orjson.loads,
        "decode and check, all people and activities new": check,
        "all up to the store, all people and activities new": ready,
    }
    found += measured(acts, new, before=forget_people)[1:]

    lists = [[b"[" + b",".join(chunk) + b"]"] for chunk in mixed]
    acts = {
        "decode": orjson.loads,
        "cut a list": text.split_statements,
        "all up to the store, in a list": ready,
    }
    found += measured(acts, lists, each=len(KINDS))[1:]

    acts = {
        "decode": orjson.loads,
        "complete a text for the store": lambda body: text.open_ended(body, AUTHORITY),
    }
    found += measured(acts, mixed)[1:]

    for kind, one in KINDS.items():
        bodies = [orjson.dumps(one(make)) for _ in range(EACH)]
        acts = {"decode": orjson.loads, f"{JUDGED}: {kind}": check}
        found += measured(acts, [bodies])[1:]
    return found


if __name__ == "__main__":
    for name, microseconds, ratio in rows():
        sys.stdout.write(f"{name:<52} {microseconds:7.2f} µs {ratio:6.2f}\n")
