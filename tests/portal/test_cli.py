import io
import json
import os

import pytest

import wsgi
from lrs.db import make_engine, reading
from portal.users import find_user, roles_of


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command line on an installation of its own: exit code, output."""
    monkeypatch.setattr(os, "environ", {"ROLLCALL_DATA": str(tmp_path)})

    def call(*arguments: str, typed: str = "") -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code = wsgi.main(list(arguments))
        return code, capsys.readouterr().out

    return call


def test_the_first_operator(run, tmp_path) -> None:
    code, out = run(
        "user",
        "create",
        "Operator@Example.org",
        "--role",
        "operator",
        "--password-stdin",
        "--json",
        typed="a long password\n",
    )
    assert code == 0
    made = json.loads(out)
    assert made["email"] == "operator@example.org"
    with reading(make_engine(f"sqlite:///{tmp_path / 'rollcall.sqlite'}")) as db:
        user = find_user(db, email="operator@example.org")
        assert user is not None
        assert str(user.id) == made["id"]
        assert "operator" in roles_of(db, user_id=user.id)
        # nobody is a sworn officer by default
        assert user.position == "community"


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        (["--role", "operator"], "short\n"),
        (["--role", "learner", "--agency", "nowhere"], "a long password\n"),
        (["--role", "training_manager"], "a long password\n"),
    ],
)
def test_refused_with_a_reason(run, arguments, typed) -> None:
    code, out = run(
        "user", "create", "a@example.org", *arguments, "--password-stdin", typed=typed
    )
    assert (code, out) == (1, "")


def test_wrong_use(run) -> None:
    with pytest.raises(SystemExit) as caught:
        run("user", "create", "a@example.org", "--role", "sheriff")
    assert caught.value.code == 2


def test_demo_prints_the_sign_ins_each_time(run) -> None:
    code, out = run("demo", "--json")
    assert code == 0
    first = json.loads(out)
    assert first["credential"]["secret"]
    code, out = run("demo")
    assert code == 0
    assert first["password"] in out
    assert "learner@harbor-city.example" in out
