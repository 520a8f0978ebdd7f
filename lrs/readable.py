"""An OpenAPI document as a page shows it: groups of calls, their members as rows.

References are followed, members of members stand below them under dotted names, and
types are said in words. Only what our own document has is understood.
"""

from collections.abc import Iterator
from typing import Any

DEEPEST = 3
WORDS = {
    "uuid": "UUID",
    "date-time": "time",
    "binary": "bytes",
    "uri": "web address",
    "iri": "IRI",
    "uri-reference": "address",
}
METHODS = ("get", "post", "patch", "put", "delete", "head", "options")


def readable(document: dict[str, Any]) -> dict[str, Any]:
    """What the page shows."""
    reader = _Reader(document)
    calls = [
        reader.call(path, method, shared.get("parameters", []), shared[method])
        for path, shared in document["paths"].items()
        for method in METHODS
        if method in shared
    ]
    schemes = document.get("components", {}).get("securitySchemes", {})
    flows = schemes.get("oauth2", {}).get("flows", {})
    needed = {one["scope"] for one in calls}
    scopes = flows.get("clientCredentials", {}).get("scopes", {})
    return {
        "title": document["info"]["title"],
        "version": document["info"]["version"],
        "description": document["info"].get("description", "").split("\n\n"),
        "server": document["servers"][0]["url"],
        "scopes": {name: words for name, words in scopes.items() if name in needed},
        "groups": [
            {
                "name": tag["name"].removesuffix("_api"),
                "description": tag.get("description", ""),
                "calls": [one for one in calls if one["group"] == tag["name"]],
            }
            for tag in document.get("tags", [])
        ],
    }


class _Reader:
    """Follows the references of one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def call(
        self,
        path: str,
        method: str,
        shared: list[dict[str, Any]],
        call: dict[str, Any],
    ) -> dict[str, Any]:
        answers = [
            self._answer(status, self._found(one))
            for status, one in sorted(call["responses"].items())
        ]
        return {
            "id": call["operationId"],
            "group": call["tags"][0],
            "method": method.upper(),
            "path": path,
            "summary": call.get("summary", ""),
            "description": call.get("description", ""),
            "scope": call.get("x-scope", ""),
            "parameters": [
                self._parameter(self._found(one))
                for one in [*shared, *call.get("parameters", [])]
            ],
            "body": self._body(self._found(call.get("requestBody", {}))),
            "answers": [one for one in answers if one["status"] < "400"],
            "refusals": [one for one in answers if one["status"] >= "400"],
        }

    def _found(self, value: dict[str, Any]) -> dict[str, Any]:
        """What a reference stands for, or the value itself."""
        while "$ref" in value:
            place: Any = self._document
            for step in value["$ref"].removeprefix("#/").split("/"):
                place = place[step]
            value = place
        return value

    def _parameter(self, given: dict[str, Any]) -> dict[str, Any]:
        schema = self._found(given["schema"])
        return {
            "name": given["name"],
            "where": given["in"],
            "type": self._words(schema),
            "required": given.get("required", False),
            "description": given.get("description", schema.get("description", "")),
        }

    def _body(self, body: dict[str, Any]) -> dict[str, Any] | None:
        if not body:
            return None
        kinds = body["content"]
        schema = self._found(next(iter(kinds.values()))["schema"])
        return {
            "types": list(kinds),
            "description": body.get("description", schema.get("description", "")),
            "members": list(self._members(schema)),
        }

    def _answer(self, status: str, answer: dict[str, Any]) -> dict[str, Any]:
        contents: dict[str, dict[str, Any]] = answer.get("content", {})
        kind = next(iter(contents), "")
        content = contents.get(kind, {})
        schema = self._found(content.get("schema", {}))
        return {
            "status": status,
            "description": answer.get("description", ""),
            "type": kind,
            "headers": [
                {"name": name, "description": one.get("description", "")}
                for name, one in answer.get("headers", {}).items()
            ],
            "members": list(self._members(schema)),
        }

    def _members(
        self, schema: dict[str, Any], above: str = "", depth: int = 0
    ) -> Iterator[dict[str, Any]]:
        """A row for each member, those of objects within below it."""
        required = schema.get("required", [])
        for name, given in schema.get("properties", {}).items():
            member = self._found(given)
            yield {
                "name": f"{above}{name}",
                "type": self._words(member),
                "required": name in required,
                "description": given.get("description", member.get("description", "")),
            }
            inner, suffix = member, "."
            if "items" in member:
                inner, suffix = self._found(member["items"]), "[]."
            if depth < DEEPEST:
                yield from self._members(inner, f"{above}{name}{suffix}", depth + 1)

    def _words(self, schema: dict[str, Any]) -> str:
        """The type in words, with bounds and choices."""
        if "oneOf" in schema:
            return ", or ".join(
                self._found(one).get("title", self._words(self._found(one)))
                for one in schema["oneOf"]
            )
        if "enum" in schema:
            return ", ".join(
                "null" if one is None else str(one) for one in schema["enum"]
            )
        kinds = schema.get("type", "any")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        shown = [WORDS.get(schema.get("format", ""), ""), *kinds]
        words = " or ".join(
            one for one in shown if one and not (shown[0] and one == "string")
        )
        if "items" in schema:
            words = f"{words} of {self._words(self._found(schema['items']))}"
        return words + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    for low, high, of in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", ""),
    ):
        least, most = schema.get(low), schema.get(high)
        if least is not None and most is not None:
            return f", {least} to {most}{of}"
        if least is not None:
            return f", at least {least}{of}"
        if most is not None:
            return f", at most {most}{of}"
    return ""
