"""Commands that PostgreSQL prepares once, run by its own library without detours.

`psycopg` spends as long on a cursor, on reading the command for its names again and on
waiting in Python as on what it is all about (measured: 75 against 55 microseconds for a
page of fifty statements). Its converters of values and rows are used as they are; the
waiting is done by libpq, which lets other threads run.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import (
    ConnStatus,
    DiagnosticField,
    ExecStatus,
    Format,
    TransactionStatus,
)

# commands are few; on both sides they are forgotten together when they are not
MAX_PREPARED = 300
_PLACE = re.compile(r"%(?:\((\w+)\)s|(s)|(%))")
_DONE = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})
# the plan's columns changed meanwhile; the server has forgotten the command
_OUTDATED = frozenset({b"0A000", b"26000"})


class Prepared:
    """The commands prepared on one connection, which nobody else uses."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Run commands on a connection that commits by itself."""
        self._server = connection.pgconn
        self._convert = Transformer(connection)
        self._written: dict[str, tuple[bytes, tuple[str | int, ...]]] = {}
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._numbers = count()

    def rows(
        self,
        command: str,
        values: Mapping[str, Any] | Sequence[Any] = (),
        *,
        is_planned_anew: bool = False,
    ) -> list[Any]:
        """What the command finds or returns; raises as `psycopg` does.

        Places for values are written as `psycopg` has them, `%s` or `%(name)s`. What
        is planned anew is not prepared: its best plan depends on the values.
        """
        written = self._written.get(command)
        if written is None:
            written = self._written[command] = _write(command)
        text, places = written
        given: Any = values
        convert = self._convert
        packed: Any = convert.dump_sequence(
            [given[place] for place in places], [PyFormat.AUTO] * len(places)
        )
        types, formats = tuple(convert.types or ()), convert.formats
        if is_planned_anew:
            result = self._server.exec_params(
                text, packed, types, formats, Format.BINARY
            )
        else:
            result = self._run(command, text, packed, types, formats)
        if result.status not in _DONE:
            self._refuse(result)
        convert.set_pgresult(result)
        rows = convert.load_rows(0, result.ntuples, tuple)
        # a page may be large: it is not kept until the next command
        convert.set_pgresult(None)
        return rows

    def _run(
        self,
        command: str,
        text: bytes,
        packed: Any,
        types: tuple[int, ...],
        formats: Any,
    ) -> Any:
        """The result of a command that is prepared, or is prepared first."""
        name = self._names.get((command, types))
        if name is None:
            name = self._prepare(command, text, types)
        result = self._server.exec_prepared(name, packed, formats, Format.BINARY)
        if result.status not in _DONE and self._is_outdated(result):
            # it did nothing; prepared anew it does
            del self._names[command, types]
            self._server.exec_(b"DEALLOCATE " + name)
            name = self._prepare(command, text, types)
            result = self._server.exec_prepared(name, packed, formats, Format.BINARY)
        return result

    def _prepare(self, command: str, text: bytes, types: tuple[int, ...]) -> bytes:
        if len(self._names) >= MAX_PREPARED:
            self._names.clear()
            self._written.clear()
            self._server.exec_(b"DEALLOCATE ALL")
        name = b"rollcall_%d" % next(self._numbers)
        result = self._server.prepare(name, text, types)
        if result.status not in _DONE:
            self._refuse(result)
        self._names[command, types] = name
        return name

    def _is_outdated(self, result: Any) -> bool:
        """Whether a command failed, by itself, only for having been prepared before."""
        is_alone = self._server.transaction_status == TransactionStatus.IDLE
        return is_alone and result.error_field(DiagnosticField.SQLSTATE) in _OUTDATED

    def _refuse(self, result: Any) -> None:
        if self._server.status == ConnStatus.BAD:
            # it went away in the middle, and did not say why
            raise psycopg.OperationalError("the connection is lost")
        raise error_from_result(result)


def _write(command: str) -> tuple[bytes, tuple[str | int, ...]]:
    """The command with numbered places, and which value goes into each of them."""
    places: list[str | int] = []

    def numbered(match: re.Match[str]) -> str:
        if match[3]:
            return "%"
        place = match[1] or len(places)
        if place not in places:
            places.append(place)
        return f"${places.index(place) + 1}"

    return _PLACE.sub(numbered, command).encode(), tuple(places)
