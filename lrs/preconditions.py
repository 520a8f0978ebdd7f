"""Preconditions of a request: If-Match and If-None-Match, as values and as SQL.

RFC 9110 13.1, 13.2; xAPI 1.0.3 Communication 3.1; xAPI 2.0 4.1.4. No Flask here:
`views/etags.py` reads the headers, the operations put the conditions into the write.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, literal

ANY = "*"


@dataclass(frozen=True)
class Precondition:
    """If-Match and If-None-Match: the ETags named, `*` for any; None if not sent."""

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None

    @property
    def is_given(self) -> bool:
        """Whether there is one at all."""
        return self.match is not None or self.none_match is not None

    @property
    def names_tags(self) -> bool:
        """Whether its outcome tells whether the content is what somebody guesses."""
        return bool(((self.match or set()) | (self.none_match or set())) - {ANY})

    def holds(self, etag: str | None) -> bool:
        """Whether a document with this ETag, or none, fulfils it."""
        return self.match_holds(etag) and self.none_match_holds(etag)

    def match_holds(self, etag: str | None) -> bool:
        """Whether If-Match lets the request pass."""
        if self.match is None:
            return True
        return etag is not None and (ANY in self.match or etag in self.match)

    def none_match_holds(self, etag: str | None) -> bool:
        """Whether If-None-Match lets the request pass."""
        if self.none_match is None or etag is None:
            return True
        return ANY not in self.none_match and etag not in self.none_match

    def conditions(self, etag: ColumnElement[str]) -> list[ColumnElement[bool]]:
        """SQL: a row that has its ETag in this column fulfils it."""
        found: list[ColumnElement[bool]] = []
        if self.match is not None and ANY not in self.match:
            found.append(etag.in_(sorted(self.match)))
        if self.none_match is not None:
            if ANY in self.none_match:
                found.append(literal(value=False))
            else:
                found.append(etag.not_in(sorted(self.none_match)))
        return found
