"""The document as a judge of answers, stricter than it is to others."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jsonschema_rs

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse


@dataclass
class Described:
    """An application whose answers must be as its document says, and say no more."""

    app: Flask
    auth: tuple[str, str]
    seen: set[tuple[str, str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()
        self.document = self.client.get("/api/v1/openapi.json").get_json()
        self.components = copy.deepcopy(self.document["components"])
        for name, schema in self.components["schemas"].items():
            if name.endswith("Answer"):
                schema["additionalProperties"] = False

    def call(self, method: str, path: str, **words: Any) -> Any:
        """The answer, judged."""
        if "json" not in words and "data" not in words and method == "POST":
            words["json"] = {}
        answer = self.client.open(
            f"/api/v1/{path}", method=method, auth=self.auth, **words
        )
        self.judge(method, answer)
        return answer

    def judge(self, method: str, answer: TestResponse) -> None:
        template = self.template_of(answer.request.path)
        described = self.document["paths"][template][method.lower()]["responses"]
        assert str(answer.status_code) in described, (template, answer.text)
        one = self.found(described[str(answer.status_code)])
        for name, header in one.get("headers", {}).items():
            assert not header.get("required") or name in answer.headers, name
        if "content" in one:
            [(kind, content)] = one["content"].items()
            assert answer.mimetype == kind
            schema = content["schema"] | {"components": self.components}
            validator = jsonschema_rs.Draft202012Validator(
                schema, validate_formats=True
            )
            assert [str(wrong) for wrong in validator.iter_errors(answer.json)] == []
        else:
            assert answer.data == b""
        self.seen.add((method, template, answer.status_code))

    def template_of(self, path: str) -> str:
        """The path of the document that an address is one of."""
        [template] = [
            one
            for one in self.document["paths"]
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), path)
        ]
        return str(template)

    def found(self, value: dict[str, Any]) -> dict[str, Any]:
        """What a reference stands for."""
        if "$ref" not in value:
            return value
        _, _, kind, name = value["$ref"].split("/")
        return dict(self.document["components"][kind][name])
