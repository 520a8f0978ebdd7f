from __future__ import annotations

from typing import Any

import pytest

from lrs.readable import readable

PERSON = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 9, "description": "Who."},
        "friends": {"type": "array", "items": {"$ref": "#/components/schemas/Friend"}},
    },
}
DOCUMENT: dict[str, Any] = {
    "info": {"title": "T", "version": "1", "description": "One.\n\nTwo."},
    "servers": [{"url": "http://h"}],
    "tags": [{"name": "people", "description": "All of them."}],
    "paths": {
        "/people/{id}": {
            "parameters": [
                {"in": "path", "name": "id", "required": True, "schema": {}}
            ],
            "post": {
                "operationId": "add",
                "tags": ["people"],
                "summary": "Add one.",
                "x-scope": "people/write",
                "parameters": [
                    {
                        "in": "query",
                        "name": "n",
                        "schema": {"type": "integer", "minimum": 1, "maximum": 5},
                    }
                ],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Person"}
                        }
                    }
                },
                "responses": {
                    "404": {"$ref": "#/components/responses/NOT_FOUND"},
                    "201": {
                        "description": "Created",
                        "headers": {"Location": {"description": "Where."}},
                    },
                },
            },
        }
    },
    "components": {
        "responses": {"NOT_FOUND": {"description": "Not Found"}},
        "schemas": {
            "Person": PERSON,
            "Friend": {
                "type": "object",
                "properties": {
                    "since": {"type": ["string", "null"], "format": "date-time"}
                },
            },
        },
        "securitySchemes": {
            "oauth2": {
                "flows": {
                    "clientCredentials": {
                        "scopes": {"people/write": "Add people", "other": "Else"}
                    }
                }
            }
        },
    },
}


def test_a_document_becomes_groups_of_calls() -> None:
    page = readable(DOCUMENT)
    assert page["description"] == ["One.", "Two."]
    assert page["scopes"] == {"people/write": "Add people"}
    [group] = page["groups"]
    [call] = group["calls"]
    assert (call["method"], call["path"], call["id"]) == ("POST", "/people/{id}", "add")
    assert [one["name"] for one in call["parameters"]] == ["id", "n"]
    assert call["parameters"][1]["type"] == "integer, 1 to 5"
    assert [one["status"] for one in call["answers"]] == ["201"]
    assert call["answers"][0]["headers"][0]["name"] == "Location"
    assert [one["description"] for one in call["refusals"]] == ["Not Found"]


def test_members_of_members_stand_below_them() -> None:
    [group] = readable(DOCUMENT)["groups"]
    rows = group["calls"][0]["body"]["members"]
    assert [(row["name"], row["type"], row["required"]) for row in rows] == [
        ("name", "string, at most 9 characters", True),
        ("friends", "array of object", False),
        ("friends[].since", "time or null", False),
    ]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "format": "uuid"}, "UUID"),
        ({"enum": ["a", "b", None]}, "a, b, null"),
        ({"type": "integer", "minimum": 0}, "integer, at least 0"),
        ({"oneOf": [{"title": "this"}, {"type": "number"}]}, "this, or number"),
        ({}, "any"),
    ],
)
def test_types_in_words(schema: dict[str, Any], words: str) -> None:
    shared = {"parameters": [{"in": "query", "name": "q", "schema": schema}]}
    path = DOCUMENT["paths"]["/people/{id}"] | shared
    page = readable(DOCUMENT | {"paths": {"/people": path}})
    assert page["groups"][0]["calls"][0]["parameters"][0]["type"] == words
