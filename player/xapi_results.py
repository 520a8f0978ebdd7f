"""What the statements of an xAPI launch say of its unit. Pure.

A unit of `tincan.xml` reports by statements alone; no profile says which. What counts
is what is about the unit itself: the activity it was launched as, or the one that its
package names. A verb speaks for itself unless the result contradicts it. The score of
`progressed` is progress (xAPI SCORM Profile), and no result.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from statements import scalars
from statements.vocabulary import VERBS

Kind = Literal["passed", "failed", "completed", "scored", "ended", "other"]

# verbs of other vocabularies that units use in the same sense
_KINDS: dict[str, Kind] = {
    VERBS["passed"]: "passed",
    VERBS["failed"]: "failed",
    VERBS["completed"]: "completed",
    VERBS["scored"]: "scored",
    VERBS["terminated"]: "ended",
    VERBS["suspended"]: "ended",
    "http://adlnet.gov/expapi/verbs/exited": "ended",
    "http://adlnet.gov/expapi/verbs/mastered": "passed",
    "http://activitystrea.ms/schema/1.0/complete": "completed",
    "https://w3id.org/xapi/dod-isd/verbs/completed": "completed",
    "http://id.tincanapi.com/verb/passed": "passed",
    "http://id.tincanapi.com/verb/failed": "failed",
    "http://id.tincanapi.com/verb/completed": "completed",
}
_WITHOUT_SCORE = frozenset({VERBS["progressed"]})


@dataclass(frozen=True)
class Result:
    """What is known of a unit; `score` holds the members that xAPI gives one."""

    completion: Literal["unknown", "incomplete", "completed"] = "unknown"
    success: Literal["unknown", "passed", "failed"] = "unknown"
    score: Mapping[str, Decimal] | None = None
    seconds: Decimal | None = None
    is_over: bool = False

    @property
    def scaled(self) -> Decimal | None:
        """The score between -1 and 1, worked out where it is not said."""
        return None if self.score is None else scaled_of(self.score)


def is_about(statement: Mapping[str, Any], iris: Collection[str]) -> bool:
    """Whether the statement's object is one of these activities."""
    target = statement["object"]
    if target.get("objectType", "Activity") != "Activity":
        return False
    return _plain(target["id"]) in {_plain(iri) for iri in iris}


def _plain(iri: str) -> str:
    """The IRI without what units get wrong: a slash at its end, the kind of http."""
    return iri.rstrip("/").removeprefix("https:").removeprefix("http:")


def add(known: Result, statement: Mapping[str, Any]) -> Result:
    """What is known after one more statement about the unit.

    What is complete stays so; of success and score the newer one counts. A result that
    says `completion` false takes the verb's word back, not what was known before.
    """
    kind = _KINDS.get(statement["verb"]["id"], "other")
    said: Mapping[str, Any] = statement.get("result") or {}
    done = said.get("completion", kind in {"passed", "completed"})
    success = said.get("success")
    if success is None and kind in {"passed", "failed"}:
        success = kind == "passed"
    counts = statement["verb"]["id"] not in _WITHOUT_SCORE
    score = read_score(said.get("score") or {}) if counts else None
    if known.completion == "completed" or done is True:
        known = replace(known, completion="completed")
    else:
        known = replace(known, completion="incomplete")
    if success is not None:
        known = replace(known, success="passed" if success else "failed")
    if score is not None:
        known = replace(known, score=score)
    if "duration" in said:
        # a unit that reports several times says more each time, or the same
        seconds = scalars.parse_duration(said["duration"])
        known = replace(known, seconds=max(seconds, known.seconds or Decimal(0)))
    return replace(known, is_over=kind == "ended")


def read_score(said: Mapping[str, Any]) -> dict[str, Decimal] | None:
    """The members of a score as decimals; None without `scaled` and `raw`."""
    score = {
        name: Decimal(str(said[name]))
        for name in ("scaled", "raw", "min", "max")
        if name in said
    }
    return score if {"scaled", "raw"} & set(score) else None


def scaled_of(score: Mapping[str, Decimal]) -> Decimal | None:
    """`scaled`, or where `raw` lies between `min` (0 by default) and `max`."""
    if "scaled" in score:
        return score["scaled"]
    low, high = score.get("min", Decimal(0)), score.get("max")
    if high is None or not low < high or not low <= score["raw"] <= high:
        return None
    share = (score["raw"] - low) / (high - low)
    return share.quantize(Decimal("0.0000001"))
