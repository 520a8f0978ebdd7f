"""Prerequisites of units as SCORM 1.2 and AICC write them (`aicc_script`).

SCORM 1.2 CAM 2.3.2.5.1, CMI001 6.8: identifiers of units and blocks, `&` and, `|` or,
`~` not, `=` and `<>` with a status, `{A, B}` a set, `2*{A, B, C}` at least so many of
one, parentheses. A bare identifier is met when it is passed or completed. What hangs
on an identifier without a status (a misprint, a unit that no menu shows) is neither
true nor false, and met: nobody is shut out for good. For the same reason what cannot be
read asks for nothing. Pure.
"""

import re
from collections.abc import Callable, Mapping, Sequence

LONGEST = 10_000
DEEPEST = 50

_TOKEN = re.compile(r'\s*(?:(<>|[&|~=(){},*])|"([^"]*)"|([^\s&|~=<>(){},*"]+))')
_WORDS = ("passed", "completed", "browsed", "failed", "not attempted", "incomplete")
_MET = frozenset({"passed", "completed"})

# None is not known
Test = Callable[[Mapping[str, str]], bool | None]


class Unreadable(ValueError):
    """The expression is not one of the language."""


def finding_of(script: str) -> str:
    """The finding that tells of an expression: that it closes a unit, or cannot be read."""
    return "prerequisites" if _read(script) else "prerequisites_unreadable"


def is_met(script: str, statuses: Mapping[str, str]) -> bool:
    """Whether the statuses meet an expression; an empty one is met.

    Statuses are by identifier in lower case: AICC does not tell cases apart.
    """
    test = _read(script)
    return test is None or test(statuses) is not False


def unmet(script: str, statuses: Mapping[str, str]) -> list[str]:
    """The identifiers named in an expression that are not passed or completed."""
    return [
        name
        for name in named(script)
        if name in statuses and statuses[name] not in _MET
    ]


def named(script: str) -> list[str]:
    """The words of an expression in lower case: identifiers, and statuses unquoted."""
    words = (word.lower() for _, _, word in _TOKEN.findall(script[:LONGEST]))
    return list(dict.fromkeys(word for word in words if word))


def _read(script: str) -> Test | None:
    try:
        return _Reader(script).read()
    except Unreadable:
        return None


class _Reader:
    """A recursive descent over the tokens; what it reads becomes a test of statuses."""

    def __init__(self, script: str) -> None:
        if len(script) > LONGEST:
            raise Unreadable
        self.tokens: list[tuple[str, str]] = []
        place = 0
        text = script.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise Unreadable
            place = match.end()
            if match[1]:
                self.tokens.append(("mark", match[1]))
            else:
                self.tokens.append(("word", match[2] if match[3] is None else match[3]))
        self.place = 0
        self.depth = 0

    def read(self) -> Test:
        """The whole expression."""
        if not self.tokens:
            return lambda _: True
        test = self._either()
        if self.place < len(self.tokens):
            raise Unreadable
        return test

    def _takes(self, mark: str) -> bool:
        if self.tokens[self.place : self.place + 1] == [("mark", mark)]:
            self.place += 1
            return True
        return False

    def _must(self, mark: str) -> None:
        if not self._takes(mark):
            raise Unreadable

    def _word(self) -> str:
        kind, word = (
            self.tokens[self.place] if self.place < len(self.tokens) else ("", "")
        )
        if kind != "word":
            raise Unreadable
        self.place += 1
        return word.lower()

    def _either(self) -> Test:
        tests = [self._both()]
        while self._takes("|"):
            tests.append(self._both())
        return lambda known: _any([test(known) for test in tests])

    def _both(self) -> Test:
        tests = [self._one()]
        while self._takes("&"):
            tests.append(self._one())
        return lambda known: _not(_any([_not(test(known)) for test in tests]))

    def _one(self) -> Test:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable
        try:
            return self._simple()
        finally:
            self.depth -= 1

    def _simple(self) -> Test:
        if self._takes("~"):
            test = self._one()
            return lambda known: _not(test(known))
        if self._takes("("):
            test = self._either()
            self._must(")")
            return test
        if self._takes("{"):
            members = self._members()
            return lambda known: _not(_any([_not(test(known)) for test in members]))
        word = self._word()
        if self._takes("*"):
            return self._several(word)
        if self._takes("="):
            return _has_status(word, self._word())
        if self._takes("<>"):
            has = _has_status(word, self._word())
            return lambda known: _not(has(known))
        return lambda known: known[word] in _MET if word in known else None

    def _several(self, count: str) -> Test:
        if not re.fullmatch(r"\d{1,6}", count):
            raise Unreadable
        self._must("{")
        members = self._members()
        return lambda known: _at_least(int(count), [test(known) for test in members])

    def _members(self) -> list[Test]:
        """The tests of a set, up to its closing brace."""
        tests = [self._either()]
        while self._takes(","):
            tests.append(self._either())
        self._must("}")
        return tests


def _has_status(name: str, said: str) -> Test:
    """Whether a unit has a status, which may be said by its first letters."""
    words = [one for one in _WORDS if said and one.startswith(said.strip())]
    if not words:
        raise Unreadable
    return lambda known: known[name] in words if name in known else None


def _not(value: bool | None) -> bool | None:  # noqa: FBT001
    return None if value is None else not value


def _any(values: Sequence[bool | None]) -> bool | None:
    return _at_least(1, values)


def _at_least(count: int, values: Sequence[bool | None]) -> bool | None:
    """Whether so many are true; None where those not known decide."""
    if values.count(True) >= count:
        return True
    return None if len(values) - values.count(False) >= count else False
