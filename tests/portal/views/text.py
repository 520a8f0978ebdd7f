"""Pages as text."""

from typing import Any


def text_of(answer: Any) -> str:
    """All of a page in one line."""
    return " ".join(answer.get_data(as_text=True).split())
