"""Statements with something changed at random: what a hostile or broken client sends."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

from tests.statements.cases import (
    FULL,
    GROUP,
    REFERENCE,
    SMALL,
    SUB_STATEMENT,
)

NEW = {
    **SMALL,
    "version": "2.0.0",
    "context": {
        "contextAgents": [
            {
                "objectType": "contextAgent",
                "agent": {"mbox": "mailto:a@example.org"},
                "relevantTypes": ["http://example.org/t"],
            }
        ],
        "contextGroups": [{"objectType": "contextGroup", "group": GROUP}],
    },
}
SEEDS: list[dict[str, Any]] = [
    FULL,
    SMALL,
    NEW,
    {**SMALL, "object": SUB_STATEMENT},
    {**SMALL, "object": REFERENCE},
    {**SMALL, "actor": GROUP, "object": GROUP},
    {
        **SMALL,
        "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
        "object": REFERENCE,
    },
]
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**63,
    -(2**63),
    1.5,
    1e308,
    -0.0,
    5e-324,
    "",
    " ",
    "x",
    "\u0000",
    "\n",
    "é" * 300,
    "\U0001f6a8",
    "a" * 9000,
    "http://example.org/" + "a" * 7000,
    "http://example.org",
    "mailto:a@example.org",
    "en-US",
    "PT1S",
    "P" + "9" * 29 + "Y",
    "2026-03-02T17:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "ec531277-b57b-4c15-8d91-d292c5b2b8f7",
    "Agent",
    "Group",
    "Activity",
    "SubStatement",
    "StatementRef",
    "1.0.0",
    "2.0.99",
    [],
    {},
    [None],
    [[]],
    {"": ""},
    {"a": {"b": {"c": None}}},
    {"mbox": "mailto:a@example.org"},
    {"id": "http://example.org/a"},
    {"objectType": "Group", "member": []},
    {"http://example.org/x": [1, {"y": None}]},
]
KEYS = ["id", "objectType", "name", "mbox", "extra", "", "\u0000", "é", "extensions"]


def mutated(chance: random.Random) -> Any:
    """A statement with one to three changes somewhere in it."""
    made: Any = deepcopy(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 3)):
        made = _changed(chance, made)
    return made


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside `value`, its own among them."""
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += places(item, (*path, index))
    return found


def _changed(chance: random.Random, value: Any) -> Any:
    path = chance.choice(places(value))
    if not path:
        return value if chance.random() < 0.9 else chance.choice(VALUES)
    parent = value
    for step in path[:-1]:
        parent = parent[step]
    last, act = path[-1], chance.randrange(6)
    if act == 0:
        del parent[last]
    elif act == 1 and isinstance(parent, dict):
        parent[chance.choice(KEYS)] = parent.pop(last)
    elif act == 2 and isinstance(parent, dict):
        parent[chance.choice(KEYS)] = deepcopy(chance.choice(VALUES))
    elif act == 3 and isinstance(parent, list):
        parent.append(deepcopy(parent[last]))
    elif act == 4:
        other = value
        for step in chance.choice(places(value)):
            other = other[step]
        parent[last] = deepcopy(other)
    else:
        parent[last] = deepcopy(chance.choice(VALUES))
    return value
