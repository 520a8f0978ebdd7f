"""What all standards share: modes of a launch, and what a model amounts to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, cast, get_args

from statements.errors import Invalid

Mode = Literal["Normal", "Browse", "Review"]
Completion = Literal["unknown", "incomplete", "completed"]
Success = Literal["unknown", "passed", "failed"]

# what content is told of a mode: whether it is for credit, and its name
MODES: Mapping[str, tuple[str, str]] = {
    "Normal": ("credit", "normal"),
    "Browse": ("no-credit", "browse"),
    "Review": ("no-credit", "review"),
}


@dataclass(frozen=True)
class Outcome:
    """What is known of completion, success, score and progress, exactly."""

    completion: Completion = "unknown"
    success: Success = "unknown"
    scaled: Decimal | None = None
    raw: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    progress: Decimal | None = None

    @property
    def status(self) -> str:
        """One word of SCORM 1.2 for both: the verdict first, then completion."""
        if self.success != "unknown":
            return self.success
        return "not attempted" if self.completion == "unknown" else self.completion


@dataclass(frozen=True)
class Interaction:
    """An answered question as xAPI spells it; what is None is not known."""

    identifier: str
    kind: str
    response: str | None
    patterns: tuple[str, ...]
    success: bool | None
    score: Decimal | None
    seconds: Decimal | None
    description: str = ""
    language: str = "und"


@dataclass(frozen=True)
class Around:
    """What stands around a unit of SCORM 2004, and what units leave for each other.

    `activity` is its node of the activity tree (`packages.sequencing` has the form);
    `shared` holds stores of `adl.data` and global objectives by their ids.
    """

    activity: Mapping[str, Any] = field(default_factory=dict)
    shared: Mapping[str, Any] = field(default_factory=dict)

    @property
    def objectives(self) -> list[Mapping[str, Any]]:
        """The activity's objectives, the primary one first."""
        given = self._sequencing.get("objectives", {})
        primary = [given["primaryObjective"]] if "primaryObjective" in given else []
        return [*primary, *given.get("objective", [])]

    @property
    def has_primary(self) -> bool:
        """Whether the first of `objectives` is the primary one."""
        return "primaryObjective" in self._sequencing.get("objectives", {})

    @property
    def stores(self) -> list[Mapping[str, Any]]:
        """The stores of `adl.data` that the activity names."""
        return list(self.activity.get("data", []))

    @property
    def leaves_completion(self) -> bool:
        """Whether only the content can say that it is complete."""
        controls = self._sequencing.get("deliveryControls", {})
        return bool(controls.get("completionSetByContent", False))

    @property
    def _sequencing(self) -> Mapping[str, Any]:
        sequencing: Mapping[str, Any] = self.activity.get("sequencing", {})
        return sequencing


ALONE = Around()


def as_mode(text: str) -> Mode:
    """The launch mode of that name; raises Invalid."""
    for mode in get_args(Mode):
        if text == mode:
            return cast("Mode", mode)
    raise Invalid(f"{text[:40]!r} is not a mode; give Normal, Browse or Review.")


def decimal_of(text: str) -> Decimal | None:
    """The number as written; None where nothing is."""
    return Decimal(text) if text else None


def texts_under(values: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The values whose names begin so, by the rest of their names."""
    return {
        name.removeprefix(prefix): value
        for name, value in values.items()
        if name.startswith(prefix)
    }
