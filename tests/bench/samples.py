"""Statements as a training portal with outside players receives them, about 1.2 KB each.

The same seed gives the same statements. How often a verb, an activity, a learner or a
registration occurs falls off steeply from the first to the last, and each has a value
that only the oldest hundredth holds and one that hardly any statement holds: those
are the ones that an index in the order of time answers badly.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

ADL = "http://adlnet.gov/expapi/verbs"
TYPES = "http://adlnet.gov/expapi/activities"
COURSES = "https://courses.example.org"
PORTAL = "https://training.example.org"
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=31)

# from common to rare; the weight halves every other verb
VERBS = (
    *("experienced", "answered", "progressed", "completed", "interacted", "launched"),
    *("initialized", "terminated", "passed", "attempted", "suspended", "resumed"),
    *("failed", "scored", "asked", "attended", "registered", "shared", "preferred"),
    *("mastered", "imported", "created", "exited", "responded"),
)
UNITS = ("Introduction", "Use of force and the law", "Scenario", "Debriefing")
PLACES = ("intersection", "school yard", "apartment", "parking lot", "station desk")
RARE = {
    "verb": "https://training.example.org/verbs/audited",
    "activity": f"{COURSES}/retired/equipment-2009",
}
OLD = {
    "verb": "https://training.example.org/verbs/migrated",
    "activity": f"{COURSES}/2010/firearms-refresher",
}
OLD_LEARNER = {"mbox": "mailto:retired.officer@agency1.example.org"}
RARE_LEARNER = {"mbox": "mailto:visiting.officer@agency2.example.org"}


def a_uuid(chance: random.Random) -> uuid.UUID:
    """Give a random UUID (version 4) that the seed decides."""
    return uuid.UUID(int=chance.getrandbits(128), version=4)


def first_ones(chance: random.Random, count: int) -> int:
    """Give a number below `count`; the first are much likelier than the last."""
    return int(count * chance.random() ** 2.5)


@dataclass
class Samples:
    """A stream of statements: `learners` people in `courses` courses of eight units.

    The first hundredth of `total` is what the values in OLD occur in.
    """

    seed: int = 1
    learners: int = 5000
    courses: int = 40
    total: int = 20_000
    number: int = 0
    chance: random.Random = field(init=False)
    recent: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Begin at the seed."""
        self.chance = random.Random(self.seed)  # noqa: S311
        self.weights = [2 ** (-place / 2) for place in range(len(VERBS))]
        self.last_seen: dict[tuple[int, int], str] = {}

    def statement(self) -> dict[str, Any]:
        """Give the next statement."""
        chance, number = self.chance, self.number
        self.number += 1
        id = str(a_uuid(chance))
        learner, course = (
            first_ones(chance, self.learners),
            first_ones(chance, self.courses),
        )
        unit = chance.randrange(8)
        actor = self.actor(learner)
        (verb,) = chance.choices(VERBS, self.weights)
        made: dict[str, Any] = {
            "id": id,
            "actor": actor,
            "verb": {
                "id": f"{ADL}/{verb}",
                "display": {"en-US": verb, "es-US": f"{verb} (es)"},
            },
            "object": self.activity(course, unit, verb),
            "context": self.context(learner, course, unit),
            "timestamp": (BEGAN + number * STEP).isoformat(timespec="milliseconds"),
        }
        if verb in {"completed", "passed", "failed", "scored", "answered"}:
            made["result"] = self.result(verb)
        self.make_special(made)
        if chance.random() < 0.1:
            self.recent = [*self.recent[-99:], id]
        return made

    def make_special(self, made: dict[str, Any]) -> None:
        """Turn a few statements into the kinds that are seldom met."""
        chance = self.chance
        kind = chance.random()
        if self.number < self.total // 100 and kind < 0.2:
            made["verb"] = {"id": OLD["verb"]}
            made["object"] = {"id": OLD["activity"]}
            made["actor"] = OLD_LEARNER
        elif kind < 0.000_1:
            made["verb"] = {"id": RARE["verb"]}
            made["object"] = {"id": RARE["activity"]}
            made["actor"] = RARE_LEARNER
        elif kind < 0.006 and self.recent:
            # an instructor's remark on what was recorded, or its withdrawal
            voids = kind < 0.002
            target = self.recent.pop(0)
            name = "voided" if voids else "commented"
            made["verb"] = {"id": f"{ADL}/{name}", "display": {"en-US": name}}
            made["object"] = {"objectType": "StatementRef", "id": target}
            made["actor"] = self.actor(first_ones(chance, 20))
            del made["context"]["platform"]
            if not voids:
                made["result"] = {"response": "Seen together in class; well done."}
        elif kind < 0.016:
            planned = {
                name: made[name] for name in ("actor", "verb", "object", "context")
            }
            made["object"] = {"objectType": "SubStatement", **planned}
            made["context"] = {"registration": made["context"]["registration"]}
            made["verb"] = {"id": f"{ADL}/planned", "display": {"en-US": "planned"}}
            made.pop("result", None)

    def actor(self, learner: int) -> dict[str, Any]:
        """Give a learner as one of the four kinds of agents."""
        name = f"Learner {learner} of Agency {learner % 58}"
        kind = learner % 10
        if kind < 6:
            account = {"homePage": PORTAL, "name": f"{learner:08x}-5f2c-4a77"}
            return {"objectType": "Agent", "name": name, "account": account}
        if kind < 9:
            mbox = f"mailto:learner{learner}@agency{learner % 58}.example.org"
            return {"objectType": "Agent", "name": name, "mbox": mbox}
        return {"objectType": "Agent", "mbox_sha1sum": f"{learner:040x}"}

    def activity(self, course: int, unit: int, verb: str) -> dict[str, Any]:
        """Give a unit, or a question of it, in two thirds with its definition."""
        chance = self.chance
        iri = f"{COURSES}/{course}/units/{unit}"
        if verb == "answered":
            question = chance.randrange(6)
            return {
                "objectType": "Activity",
                "id": f"{iri}/questions/{question}",
                "definition": {
                    "name": {"en-US": f"Question {question}"},
                    "description": {
                        "en-US": "Which of these does the officer do first when "
                        f"arriving at the {PLACES[question % len(PLACES)]}?"
                    },
                    "type": f"{TYPES}/cmi.interaction",
                    "interactionType": "choice",
                    "correctResponsesPattern": ["b[,]c"],
                    "choices": [
                        {"id": letter, "description": {"en-US": text}}
                        for letter, text in (
                            ("a", "Calls for the supervisor"),
                            ("b", "Names the reason of the stop"),
                            ("c", "Keeps distance and cover"),
                        )
                    ],
                },
            }
        made: dict[str, Any] = {"objectType": "Activity", "id": iri}
        if chance.random() < 0.6:
            made["definition"] = {
                "name": {
                    "en-US": f"{UNITS[unit % 4]}, part {unit}",
                    "es-US": f"Parte {unit}",
                },
                "description": {
                    "en-US": "What the law asks and what the agency's policy adds; "
                    f"a call at the {PLACES[unit % len(PLACES)]} with three endings."
                },
                "type": f"{TYPES}/lesson",
                "extensions": {f"{COURSES}/terms/minutes": 15 + unit},
            }
        return made

    def context(self, learner: int, course: int, unit: int) -> dict[str, Any]:
        """Give registration, course and session, and here and there an instructor."""
        chance = self.chance
        key = (learner, course)
        if key not in self.last_seen or chance.random() < 0.02:
            self.last_seen[key] = str(a_uuid(chance))
        made: dict[str, Any] = {
            "registration": self.last_seen[key],
            "contextActivities": {
                "parent": [{"id": f"{COURSES}/{course}", "objectType": "Activity"}],
                "grouping": [
                    {"id": f"{COURSES}/{course}/2025", "objectType": "Activity"}
                ],
                "category": [
                    {"id": "https://w3id.org/xapi/cmi5/context/categories/cmi5"}
                ],
            },
            "platform": "Rollcall player",
            "language": "en-US",
            "extensions": {
                "https://w3id.org/xapi/cmi5/context/extensions/sessionid": str(
                    a_uuid(chance)
                ),
                f"{COURSES}/terms/place": {
                    "unit": unit,
                    "page": chance.randrange(40),
                    "of": 40,
                },
            },
        }
        if chance.random() < 0.15:
            made["instructor"] = self.actor(chance.randrange(20))
        if chance.random() < 0.03:
            members = [self.actor(first_ones(chance, self.learners)) for _ in range(4)]
            made["team"] = {
                "objectType": "Group",
                "name": "Squad",
                "account": {"homePage": PORTAL, "name": f"squad-{learner % 58}"},
                "member": members,
            }
        return made

    def result(self, verb: str) -> dict[str, Any]:
        """Give a result as the verb has it."""
        chance = self.chance
        raw = chance.randrange(40, 101)
        if verb == "answered":
            given = chance.choice(("b[,]c", "a", "c"))
            made: dict[str, Any] = {"response": given, "success": given == "b[,]c"}
        else:
            made = {
                "score": {"scaled": raw / 100, "raw": raw, "min": 0, "max": 100},
                "success": raw >= 80,
                "completion": True,
            }
        made["duration"] = (
            f"PT{chance.randrange(60)}M{chance.randrange(6000) / 100:.2f}S"
        )
        return made


def body(statements: list[dict[str, Any]]) -> bytes:
    """Give the body that posts them: one as itself, several as a list."""
    return orjson.dumps(statements[0] if len(statements) == 1 else statements)
