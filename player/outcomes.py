"""What all standards share: modes of a launch, and what a model amounts to."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, cast, get_args

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


def as_mode(text: str) -> Mode:
    """The launch mode of that name; raises Invalid."""
    for mode in get_args(Mode):
        if text == mode:
            return cast("Mode", mode)
    raise Invalid(f"{text[:40]!r} is not a mode; give Normal, Browse or Review.")


def decimal_of(text: str) -> Decimal | None:
    """The number as written; None where nothing is."""
    return Decimal(text) if text else None
