"""What was found: lines on the terminal while it runs, docs/performance.md at the end."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.cost import machine

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


@dataclass(frozen=True)
class Line:
    """A row of a table; `holds` is None where nothing was promised."""

    cells: tuple[str, ...]
    holds: bool | None = None


@dataclass
class Table:
    """A table of the page: what it shows, its heads and its rows."""

    title: str
    words: str
    heads: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)

    def add(self, *cells: str, holds: bool | None = None) -> None:
        """Add a row and show it."""
        self.lines.append(Line(cells, holds))
        say("  ".join((*cells, verdict(holds))))

    def text(self) -> str:
        """Give the table as Markdown."""
        judged = any(line.holds is not None for line in self.lines)
        heads = (*self.heads, *(("holds",) if judged else ()))
        rows = [
            (*line.cells, *((verdict(line.holds),) if judged else ()))
            for line in self.lines
        ]
        body = "\n".join(
            f"| {' | '.join(row)} |" for row in (heads, ("---",) * len(heads), *rows)
        )
        return f"## {self.title}\n\n{self.words}\n\n{body}\n"


@dataclass
class Report:
    """The tables, in the order they were made."""

    settings: str
    tables: list[Table] = field(default_factory=list)

    def table(self, title: str, words: str, *heads: str) -> Table:
        """Begin a table."""
        made = Table(title, words, heads)
        self.tables.append(made)
        say(f"\n{title}")
        return made

    def missed(self) -> list[str]:
        """Give the names of the figures that do not hold."""
        return [
            f"{table.title}: {line.cells[0]}"
            for table in self.tables
            for line in table.lines
            if line.holds is False
        ]

    def write(self) -> None:
        """Write the page."""
        missed = self.missed()
        verdicts = (
            "Every figure that has a target holds."
            if not missed
            else f"Not held: {'; '.join(missed)}."
        )
        PAGE.write_text(
            "# Performance\n\n"
            "<!-- written by make bench; change tests/bench instead -->\n\n"
            f"Measured on {machine()}. {self.settings}\n\n{verdicts}\n\n"
            "A rate by itself says more about the machine than about the program. So "
            "every rate stands beside one of the database alone, measured in the same "
            "run: a round of ours, a round of theirs, and so on. The ratio is that of "
            "the medians, with the least and the greatest ratio of a single round. "
            "*CPU* is the processor time of one request or transaction, all processes "
            "and the load generator included; unlike rates it hardly changes when "
            "something else is running.\n\n"
            + "\n".join(table.text() for table in self.tables)
            + "\n## Repeating it\n\n"
            "`make bench` does all of it and writes this page. "
            "`.venv/bin/python -m tests.bench post-1 --seconds 3` does a part and "
            "writes nothing; `--help` names the parts. `ROLLCALLTEST_BENCH_SECONDS` "
            "sets the length of a round and `ROLLCALLTEST_BENCH_STATEMENTS` the size "
            "of the large table (0 leaves it out).\n",
            encoding="utf-8",
        )


def verdict(holds: bool | None) -> str:  # noqa: FBT001
    """Give the word for it."""
    return {None: "", True: "yes", False: "**no**"}[holds]


def say(text: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
