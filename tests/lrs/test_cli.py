import argparse
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from lrs.cli import add_commands
from lrs.config import Config
from lrs.credentials import holds, verify_secret
from lrs.db import make_engine, reading
from lrs.migrate import is_current
from statements.errors import DomainError, Invalid, NotFound, Unauthenticated


@pytest.fixture
def at_engine(config: Config, engine: Engine) -> Config:
    url = engine.url.render_as_string(hide_password=False)
    return replace(config, database_url=url)


def run(config: Config, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    parsed = parser.parse_args(arguments)
    return int(parsed.run(parsed, config))


def test_a_credential_is_one_document(
    at_engine: Config, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--name", "LMS", "--scope", "statements/read", "--scope", "state")
    assert run(at_engine, "credential", "create", *arguments, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document.keys() == {"key", "secret"}
    with reading(engine) as db:
        found = verify_secret(db, **document, now=datetime.now(UTC))
        assert found.scopes == {"state", "statements/read"}
        assert found.tenant_id == 1


def test_all_is_the_default_scope(
    at_engine: Config, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    run(at_engine, "credential", "create", "--name", "LMS", "--json")
    document = json.loads(capsys.readouterr().out)
    with reading(engine) as db:
        found = verify_secret(db, **document, now=datetime.now(UTC))
        assert found.scopes == {"all"}
        assert not holds(found, "pretest/read")


def test_a_tenant_has_credentials_of_its_own(
    at_engine: Config, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(at_engine, "tenant", "create", "academy", "--json") == 0
    tenant = json.loads(capsys.readouterr().out)
    create = ("credential", "create", "--name", "LMS", "--tenant", "academy", "--json")
    run(at_engine, *create)
    document = json.loads(capsys.readouterr().out)
    with reading(engine) as db:
        found = verify_secret(db, **document, now=datetime.now(UTC))
        assert found.tenant_id == tenant["id"] != 1


def test_a_revoked_key_is_refused(
    at_engine: Config, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    run(at_engine, "credential", "create", "--name", "LMS", "--json")
    document = json.loads(capsys.readouterr().out)
    assert run(at_engine, "credential", "revoke", document["key"]) == 0
    assert "refused" in capsys.readouterr().out
    with reading(engine) as db, pytest.raises(Unauthenticated):
        verify_secret(db, **document, now=datetime.now(UTC))
    assert run(at_engine, "credential", "revoke", document["key"], "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"key": document["key"], "state": "revoked"}


def test_a_credential_may_end_and_be_limited(
    at_engine: Config, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--expires", "2099-06-30", "--per-minute", "90")
    run(at_engine, "credential", "create", "--name", "LMS", *more, "--json")
    document = json.loads(capsys.readouterr().out)
    with reading(engine) as db:
        found = verify_secret(db, **document, now=datetime.now(UTC))
    assert found.per_minute == 90
    # midnight in Los Angeles
    assert found.expires_at == datetime(2099, 7, 1, 7, tzinfo=UTC)


def test_what_there_is_is_listed_without_secrets(
    at_engine: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    run(at_engine, "credential", "list")
    assert capsys.readouterr().out == "There are no credentials.\n"
    run(at_engine, "tenant", "create", "academy")
    run(at_engine, "credential", "create", "--name", "first")
    run(
        *(at_engine, "credential", "create", "--name", "second"),
        *("--tenant", "academy", "--scope", "state", "--scope", "define", "--json"),
    )
    out = capsys.readouterr().out
    second = json.loads(out.splitlines()[-1])
    run(at_engine, "credential", "revoke", second["key"])
    capsys.readouterr()
    assert run(at_engine, "tenant", "list", "--json") == 0
    tenants = json.loads(capsys.readouterr().out)["tenants"]
    assert [one["name"] for one in tenants] == ["main", "academy"]
    run(at_engine, "tenant", "list")
    assert capsys.readouterr().out == "main\nacademy\n"

    assert run(at_engine, "credential", "list", "--json") == 0
    out = capsys.readouterr().out
    newest, oldest = json.loads(out)["credentials"]
    assert second["secret"] not in out
    assert (newest["key"], newest["name"]) == (second["key"], "second")
    assert (newest["tenant"], newest["state"]) == ("academy", "revoked")
    assert newest["scopes"] == ["define", "state"]
    assert newest["revoked_at"] is not None
    assert (oldest["name"], oldest["state"]) == ("first", "open")
    assert oldest["last_used_at"] is None
    run(at_engine, "credential", "list", "--tenant", "main")
    text = capsys.readouterr().out
    assert "first" in text
    assert "second" not in text


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("tenant", "create", " "), Invalid),
        (("tenant", "create", "main"), DomainError),
        (("credential", "create", "--name", "x", "--tenant", "nowhere"), NotFound),
        (("credential", "create", "--name", "x", "--scope", "everything"), Invalid),
        (("credential", "create", "--name", "x", "--expires", "soon"), Invalid),
        (("credential", "create", "--name", "x", "--expires", "2020-01-01"), Invalid),
        (("credential", "create", "--name", "x", "--per-minute", "0"), Invalid),
        (("credential", "list", "--tenant", "nowhere"), NotFound),
        (("credential", "revoke", "unknown"), NotFound),
    ],
)
def test_refusals_have_reasons(
    at_engine: Config, arguments: tuple[str, ...], refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal) as caught:
        run(at_engine, *arguments)
    assert caught.value.detail


def test_a_missing_name_is_wrong_use(at_engine: Config) -> None:
    with pytest.raises(SystemExit) as caught:
        run(at_engine, "credential", "create")
    assert caught.value.code == 2


def test_migrate_then_everything_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config(data=tmp_path, secret_key="a secret of the tests")
    for _ in range(2):
        assert run(config, "migrate") == 0
    engine = make_engine(config.database_url)
    assert is_current(engine)
    engine.dispose()
    assert "present schema" in capsys.readouterr().out


def test_an_embedded_database_is_made_when_first_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config(data=tmp_path, secret_key="a secret of the tests")
    assert run(config, "credential", "create", "--name", "LMS", "--json") == 0
    assert json.loads(capsys.readouterr().out)["key"]
