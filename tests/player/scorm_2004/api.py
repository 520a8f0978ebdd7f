"""The run-time's API over the server's model, as content would call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from player import cmi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.player.scorm_2004.cases import Command


class Api:
    """API_1484_11 in Python: state and last error here, everything else is cmi.py's.

    `log` holds what the browser would send: kinds of entries, and the changes.
    """

    def __init__(self, elements: cmi.Elements, values: Mapping[str, str]) -> None:
        self.elements = elements
        self.values = dict(values)
        self.state = "before"
        self.error = 0
        self.log: list[tuple[str, list[tuple[str, str]]]] = []

    def run(self, command: Command) -> tuple[str, str]:
        """What a command gives back, and the error code then."""
        if command.method == "COI":
            return self._objective_ids(), "0"
        arguments = list(command.arguments)
        if command.method in {"GetValue", "SetValue"}:
            arguments[0] = self._written(arguments[0])
        elif command.method in {"Initialize", "Terminate", "Commit"}:
            arguments = arguments or [""]
        answer = getattr(self, f"_{command.method.lower()}")(*arguments)
        return answer, str(self.error)

    def close(self) -> None:
        """Terminate, unless that was done."""
        if self.state == "running":
            self._terminate("")

    def _written(self, name: str) -> str:
        """The name with the index of the entry whose id stands in it."""
        if "&" not in name:
            return name
        before, wanted, after = name.split("&")
        array = before.removesuffix(".")
        count = int(self._getvalue(f"{array}._count") or 0)
        index = next(
            (n for n in range(count) if self._getvalue(f"{array}.{n}.id") == wanted),
            count,
        )
        return f"{array}.{index}{after}"

    def _objective_ids(self) -> str:
        count = int(self._getvalue("cmi.objectives._count"))
        ids = [self._getvalue(f"cmi.objectives.{n}.id") for n in range(count)]
        return ",".join(sorted(ids))

    def _answer(self, code: int) -> str:
        self.error = code
        return "false" if code else "true"

    def _calls(self, method: str, state: str) -> int:
        """The error of a method that is not for this state."""
        code: int = self.elements.source["calls"][method][state]
        return code

    def _initialize(self, argument: str) -> str:
        if argument:
            return self._answer(self.elements.source["calls"]["argument"])
        if self.state != "before":
            return self._answer(self._calls("initialize", self.state))
        self.state = "running"
        self.log.append(("initialize", []))
        return self._answer(0)

    def _terminate(self, argument: str) -> str:
        return self._end("terminate", argument)

    def _commit(self, argument: str) -> str:
        return self._end("commit", argument)

    def _end(self, kind: str, argument: str) -> str:
        if argument:
            return self._answer(self.elements.source["calls"]["argument"])
        if self.state != "running":
            return self._answer(self._calls(kind, self.state))
        self.log.append((kind, []))
        if kind == "terminate":
            self.state = "after"
        return self._answer(0)

    def _getvalue(self, name: str) -> str:
        if self.state != "running":
            self.error = self._calls("get", self.state)
            return ""
        value, self.error = cmi.get_value(self.elements, self.values, name)
        return value

    def _setvalue(self, name: str, value: str) -> str:
        if self.state != "running":
            return self._answer(self._calls("set", self.state))
        update, code = cmi.set_value(self.elements, self.values, name, value)
        self.values.update(update)
        if code == 0:
            self.log.append(("set", [(name, value)]))
        return self._answer(code)

    def _getlasterror(self) -> str:
        return str(self.error)

    def _geterrorstring(self, code: str) -> str:
        errors: dict[str, str] = self.elements.source["errors"]
        return errors.get(code, "")

    def _getdiagnostic(self, code: str) -> str:
        return self._geterrorstring(code or str(self.error))
