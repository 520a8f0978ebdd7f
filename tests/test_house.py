"""The rules of the house that no linter knows, checked on the source itself."""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from lrs import problems
from lrs.config import Config
from lrs.db import make_engine
from lrs.migrate import is_current, migrate
from lrs.views.access import allowed_of
from statements.errors import DomainError
from tests.conftest import HOUSES, ROOT, postgres_url, run_on_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrs.parts import Parts
    from tests.servers import Servers

MODULES = sorted(
    path.relative_to(ROOT)
    for house in HOUSES
    for path in (ROOT / house).rglob("*.py")
    if "migrations" not in path.parts
)
TEMPLATES = sorted(
    path.relative_to(ROOT)
    for house in HOUSES
    for path in (ROOT / house).rglob("templates/**/*.html")
)
# where the clock is read and the environment is known
EDGES = {"wsgi.py", "cli.py", "worker.py", "server.py"}
ENVIRONMENT = {"wsgi.py", "__main__.py", "config.py", "server.py", "metrics.py"}


def is_view(path: Path) -> bool:
    return "views" in path.parts


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    """Every node but those that only type checkers see."""
    waiting: list[ast.AST] = [ast.parse((ROOT / path).read_text())]
    found = []
    while waiting:
        node = waiting.pop()
        found.append(node)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)
    return found


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{n.name}" for n in node.names}
    return found


def test_the_source_is_found() -> None:
    assert {path.parts[0] for path in MODULES} == set(HOUSES)
    assert TEMPLATES


def test_every_module_that_does_something_has_its_test() -> None:
    missing = [
        str(path)
        for path in MODULES
        if path.name not in {"__init__.py", "tables.py"}
        and any(isinstance(node, ast.FunctionDef) for node in nodes(path))
        and not (ROOT / "tests" / path.with_name(f"test_{path.name}")).exists()
    ]
    assert missing == []


def test_only_views_know_flask() -> None:
    webby = {"flask", "werkzeug", "webargs"}
    webby |= {f"flask_{name}" for name in ("security", "login", "wtf", "smorest")}
    found = {
        str(path): {name.split(".")[0] for name in imported(path)} & webby
        for path in MODULES
        if not is_view(path)
    }
    assert {path: names for path, names in found.items() if names} == {}


def test_only_views_import_views() -> None:
    found = {
        str(path): [name for name in imported(path) if ".views" in name]
        for path in MODULES
        # a program puts its application together, as wsgi.py does
        if not is_view(path) and path.name != "__main__.py"
    }
    assert {path: names for path, names in found.items() if names} == {}


CLOCKS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.datetime.now",
    "time.time",
    "func.now",
    "func.current_timestamp",
}


def test_only_edges_read_the_clock() -> None:
    read = [
        f"{path}:{node.lineno} {ast.unparse(node.func)}"
        for path in MODULES
        if not is_view(path) and path.name not in EDGES
        for node in nodes(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in CLOCKS
    ]
    assert read == []


def test_only_settings_read_the_environment() -> None:
    read = [
        f"{path}:{node.lineno}"
        for path in MODULES
        if path.name not in ENVIRONMENT
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in {"os.environ", "os.getenv"}
    ]
    assert read == []


def test_operations_do_not_commit() -> None:
    commits = [
        f"{path}:{node.lineno}"
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"db.commit", "session.commit"}
    ]
    assert commits == []


INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\sstyle=|\son[a-z]+="
    r"|\|\s*safe\b",
    re.IGNORECASE,
)


def test_pages_have_no_inline_script_or_style() -> None:
    found = [
        f"{path}: {text[match.start() :][:60]}"
        for path in TEMPLATES
        for text in [(ROOT / path).read_text()]
        for match in INLINE.finditer(text)
    ]
    assert found == []


def floats(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from floats(member)
    elif isinstance(value, list):
        for member in value:
            yield from floats(member)


@pytest.mark.parametrize(
    "path",
    [p for h in HOUSES for p in (ROOT / h).rglob("*.toml")],
    ids=lambda p: p.name,
)
def test_data_holds_exact_numbers_only(path: Path) -> None:
    assert list(floats(tomllib.loads(path.read_text()))) == []


def families(error: type[DomainError]) -> Iterator[type[DomainError]]:
    for kind in error.__subclasses__():
        yield kind
        yield from families(kind)


def test_every_error_has_a_status_and_a_message() -> None:
    found = list(families(DomainError))
    assert len(found) > 20
    for kind in found:
        assert 400 <= problems.status_of(kind()) < 600, kind
        assert (kind.__doc__ or "").strip(), kind
        assert kind().detail, kind


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "operators.md").read_text()
    missing = [
        name
        for name in (f"ROLLCALL_{field.name.upper()}" for field in fields(Config))
        if f"`{name}`" not in text
    ]
    assert missing == []


def test_every_route_declares_who_may_call_it(parts: Parts) -> None:
    import wsgi

    for create in (wsgi.create_app, wsgi.create_lrs_app, wsgi.create_content_app):
        app = create(parts)
        rules = list(app.url_map.iter_rules())
        assert rules
        undeclared = [
            f"{rule} {rule.endpoint}"
            for rule in rules
            if allowed_of(app, rule.endpoint) is None
        ]
        assert undeclared == []


def differences(url: str) -> list[Any]:
    import wsgi

    engine = make_engine(url)
    try:
        assert not is_current(engine)
        migrate(engine)
        assert is_current(engine)
        migrate(engine)
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            return list(compare_metadata(context, wsgi.metadata()))
    finally:
        engine.dispose()


def test_migrations_give_the_tables_on_sqlite(tmp_path: Path) -> None:
    assert differences(f"sqlite:///{tmp_path / 'empty.sqlite'}") == []


def test_migrations_give_the_tables_on_postgresql(servers: Servers) -> None:
    name = "migrated_from_nothing"
    run_on_postgres(servers, f"CREATE DATABASE {name}")
    try:
        assert differences(postgres_url(servers, name)) == []
    finally:
        run_on_postgres(servers, f"DROP DATABASE {name} WITH (FORCE)")
