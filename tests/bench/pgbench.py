"""What PostgreSQL does by itself with the same rows, by its own `pgbench`.

The rows that the product stored for the samples are copied into tables of the schema
`bench`, cut into transactions of one or of fifty statements. A transaction writes one
of them anew: the statement, its references and whatever actor or activity is unknown,
into the product's own tables with all their indexes, in one command, as another
tenant. That is the least PostgreSQL can be asked for: it is handed no bytes, checks
nothing, and no two transactions wait for the same clock. What it reads is what a page
of the product reads, by the index that fits the filter.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

CLIENTS = 8
THREADS = 2
TENANT = 2
# what is written where it is not known yet
NAMED = ("actor", "activity")
_TPS = re.compile(r"tps = ([0-9.]+)")
_COUNT = re.compile(r"transactions actually processed: ([0-9]+)")


@dataclass(frozen=True)
class Script:
    """A file for pgbench and how often it comes among others."""

    path: Path
    weight: int = 1


def run(
    noted: dict[str, Any], database: str, scripts: list[Script], seconds: float
) -> tuple[int, float]:
    """Give how many transactions eight clients did, and how many a second."""
    files = [word for s in scripts for word in ("-f", f"{s.path}@{s.weight}")]
    done = subprocess.run(
        [
            *(str(Path(noted["bin"]) / "pgbench"), "-h", noted["socket"]),
            *("-U", noted["user"], "-n", "-c", str(CLIENTS), "-j", str(THREADS)),
            *("-M", "prepared", "-T", str(max(1, round(seconds))), *files, database),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    found, count = _TPS.search(done.stdout), _COUNT.search(done.stdout)
    is_whole = not done.returncode and "failed transactions: 0 " in done.stdout
    if found is None or count is None or not is_whole:
        message = f"pgbench: {done.stdout}\n{done.stderr}"
        raise RuntimeError(message)
    return int(count[1]), float(found[1])


def columns(engine: Engine, table: str) -> list[str]:
    """Give the names of the columns that an insert fills."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT column_name FROM information_schema.columns "
                "WHERE table_schema = 'public' AND table_name = :table "
                "AND is_generated = 'NEVER' ORDER BY ordinal_position"
            ),
            {"table": table},
        )
        return [name for (name,) in rows]


def numbered(engine: Engine) -> list[str]:
    """Give the tables that have rows for the number of a statement, but its own."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT table_name FROM information_schema.columns "
                "WHERE table_schema = 'public' AND column_name IN ('ref_key', 'seq') "
                "GROUP BY table_name HAVING count(*) = 2 ORDER BY table_name DESC"
            )
        )
        return [name for (name,) in rows]


def prepare(engine: Engine, *, tenant: int, size: int, batches: int) -> None:
    """Copy stored rows of a tenant, cut into transactions of `size` statements."""
    besides = numbered(engine)
    commands = [
        "CREATE SCHEMA IF NOT EXISTS bench",
        "CREATE SEQUENCE IF NOT EXISTS bench.number",
        f"""CREATE TABLE bench.statement_{size} AS
            SELECT (at / {size})::integer AS batch, (at % {size})::integer AS n, s.*
            FROM (
                SELECT *, row_number() OVER (ORDER BY seq) - 1 AS at FROM statement
                WHERE tenant_id = {tenant} ORDER BY seq LIMIT {size * batches}
            ) AS s""",  # noqa: S608
        *(
            f"""CREATE TABLE bench.{table}_{size} AS
                SELECT s.batch, s.n, r.* FROM bench.statement_{size} AS s
                JOIN {table} AS r USING (tenant_id, seq)"""  # noqa: S608
            for table in besides
        ),
        *(
            f"""CREATE TABLE bench.{table}_{size} AS
                SELECT DISTINCT r.batch, k.* FROM bench.reference_{size} AS r
                JOIN {table} AS k
                ON k.tenant_id = r.tenant_id AND k.{table}_key = r.ref_key
                ORDER BY r.batch, k.{table}_key"""  # noqa: S608
            for table in NAMED
        ),
    ]
    for table in ("statement", *besides, *NAMED):
        commands += [
            f"CREATE INDEX ON bench.{table}_{size} (batch)",
            f"ANALYZE bench.{table}_{size}",
        ]
    for table in NAMED:
        # both sides know most of what is named
        names = columns(engine, table)
        commands.append(
            f"INSERT INTO {table} ({', '.join(names)}) "  # noqa: S608
            f"SELECT {_values(names, 'k')} FROM {table} AS k "
            f"WHERE tenant_id = {tenant} ON CONFLICT DO NOTHING"
        )
    with engine.begin() as connection:
        for command in commands:
            connection.execute(text(command))


def _values(names: list[str], row: str) -> str:
    """The columns as they are copied; what is new each time is made here."""
    made = {
        "tenant_id": str(TENANT),
        "seq": "base.seq + n",
        "statement_id": "gen_random_uuid()",
        "stored": "clock_timestamp() + n * interval '1 microsecond'",
    }
    return ", ".join(made.get(name, f"{row}.{name}") for name in names)


def write_post(
    engine: Engine, folder: Path, *, size: int, batches: int
) -> list[Script]:
    """Write the script that stores one transaction's rows."""

    def insert(table: str) -> str:
        names = columns(engine, table)
        source = "" if table in NAMED else "base, "
        end = " ON CONFLICT DO NOTHING" if table in NAMED else ""
        return (
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {_values(names, 'r')} "  # noqa: S608
            f"FROM {source}bench.{table}_{size} AS r WHERE r.batch = :batch{end}"
        )

    tables = ["statement", *NAMED, *numbered(engine)]
    parts = [
        f"SELECT nextval('bench.number') * {size} AS seq",
        *map(insert, tables[:-1]),
    ]
    named = ",\n".join(
        f"{'base' if not place else f'i{place}'} AS "
        f"{'' if place else 'MATERIALIZED '}({part})"
        for place, part in enumerate(parts)
    )
    path = folder / f"post-{size}.sql"
    path.write_text(
        f"\\set batch random(0, {batches - 1})\nWITH {named}\n{insert(tables[-1])};\n"
    )
    return [Script(path)]


def write_get(
    folder: Path,
    *,
    tenant: int,
    conditions: list[str],
    limit: int,
    in_hex: bool = False,
) -> list[Script]:
    """Write a script for each condition; all come equally often.

    pgbench is sent bytes in hexadecimal digits, twice as many. As text they come as
    they are, which is what a client that takes binary results has.
    """
    payload = "payload" if in_hex else "convert_from(payload, 'UTF8')"
    scripts = []
    for number, condition in enumerate(conditions):
        path = folder / f"get-{number}{'-hex' if in_hex else ''}.sql"
        path.write_text(
            f"SELECT seq, stored, {payload}, authority_key FROM statement AS s "  # noqa: S608
            f"WHERE tenant_id = {tenant}{' AND ' if condition else ''}{condition} "
            "AND (voids_id IS NOT NULL OR NOT EXISTS ("
            "SELECT FROM statement AS v WHERE v.tenant_id = s.tenant_id "
            "AND v.voids_id = s.statement_id "
            "AND (v.authority_key = s.authority_key OR v.voids_any))) "
            f"ORDER BY seq DESC LIMIT {limit};\n"
        )
        scripts.append(Script(path))
    return scripts
