"""Settings: what is refused at the start, and with which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrs.config import Config
from statements.errors import InvalidConfig


def test_defaults_run_without_any_setting(tmp_path: Path) -> None:
    config = Config.from_env({"ROLLCALL_DATA": str(tmp_path)})
    assert config.database_url == f"sqlite:///{tmp_path / 'rollcall.sqlite'}"
    assert config.storage_url == (tmp_path / "storage").as_uri()
    assert config.portal_host == "localhost:8000"
    assert config.content_host == "content.localhost:8000"
    assert config.workers >= 1


def test_addresses_follow_the_port_where_they_are_not_given(tmp_path: Path) -> None:
    environ = {"ROLLCALL_DATA": str(tmp_path), "ROLLCALL_PORT": "8799"}
    config = Config.from_env(environ)
    assert config.portal_url == "http://localhost:8799"
    assert config.content_url == "http://content.localhost:8799"
    given = {
        "ROLLCALL_PORTAL_URL": "https://train.example.org",
        "ROLLCALL_CONTENT_URL": "https://train-content.example",
    }
    config = Config.from_env(environ | given)
    assert config.portal_url == given["ROLLCALL_PORTAL_URL"]
    assert config.content_url == given["ROLLCALL_CONTENT_URL"]


def test_secret_is_made_once_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    first = Config.from_env({"ROLLCALL_DATA": str(tmp_path)}).secret_key
    second = Config.from_env({"ROLLCALL_DATA": str(tmp_path)}).secret_key
    assert first == second
    assert len(first) >= 64
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    assert first not in repr(Config.from_env({"ROLLCALL_DATA": str(tmp_path)}))


def test_looking_makes_no_secret_but_reads_one(tmp_path: Path) -> None:
    environ = {"ROLLCALL_DATA": str(tmp_path / "data")}
    assert Config.from_env(environ, make_secret=False).secret_key == ""
    assert not (tmp_path / "data").exists()
    made = Config.from_env(environ).secret_key
    assert Config.from_env(environ, make_secret=False).secret_key == made


def test_value_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file\n")
    config = Config.from_env(
        {
            "ROLLCALL_DATA": str(tmp_path),
            "ROLLCALL_SECRET_KEY_FILE": str(tmp_path / "key"),
        }
    )
    assert config.secret_key == "from the file"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ROLLCALL_PROT", "8000", "ROLLCALL_PROT is not a setting"),
        ("ROLLCALL_PORT", "eight", "whole number"),
        ("ROLLCALL_TRUSTED_PROXIES", "-1", "whole number"),
        ("ROLLCALL_TIMEZONE", "Mars/Base", "IANA zone"),
        ("ROLLCALL_PORTAL_URL", "training.example.org", "scheme, host"),
        ("ROLLCALL_PORTAL_URL", "https://a.example.org/path", "no path"),
        ("ROLLCALL_ALLOW_INSECURE_CONTENT_ORIGIN", "maybe", "1 or 0"),
        ("ROLLCALL_SECRET_KEY_FILE", "/nowhere/key", "cannot be read"),
    ],
)
def test_bad_setting_is_named(
    tmp_path: Path, variable: str, value: str, said: str
) -> None:
    with pytest.raises(InvalidConfig) as caught:
        Config.from_env({"ROLLCALL_DATA": str(tmp_path), variable: value})
    assert said in caught.value.detail
    assert variable.removesuffix("_FILE") in caught.value.detail


@pytest.mark.parametrize(
    ("portal", "content", "allowed"),
    [
        ("http://localhost:8000", "http://content.localhost:8000", True),
        ("http://localhost:8000", "http://localhost:8001", False),
        ("https://train.example.org", "https://content.example.org", False),
        ("https://train.example.org", "https://train.example.org:444", False),
        ("https://train.example.org", "https://example-content.net", True),
        ("https://a.github.io", "https://b.github.io", True),
        ("https://police.example.co.uk", "https://fire.example.co.uk", False),
        ("https://police.co.uk", "https://fire.co.uk", True),
        ("http://127.0.0.1:8000", "http://127.0.0.1:9000", False),
    ],
)
def test_content_on_the_portals_site_is_refused(
    *, tmp_path: Path, portal: str, content: str, allowed: bool
) -> None:
    given = {
        "ROLLCALL_DATA": str(tmp_path),
        "ROLLCALL_PORTAL_URL": portal,
        "ROLLCALL_CONTENT_URL": content,
    }
    if allowed:
        Config.from_env(given)
        return
    with pytest.raises(InvalidConfig, match="same site"):
        Config.from_env(given)
    Config.from_env({**given, "ROLLCALL_ALLOW_INSECURE_CONTENT_ORIGIN": "1"})


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Training.Example.org", "https://training.example.org"),
        ("HTTPS://training.example.org:443", "https://training.example.org"),
        ("https://training.example.org.", "https://training.example.org"),
        ("https://training.example.org:8443", "https://training.example.org:8443"),
        ("http://training.example.org:80", "http://training.example.org"),
        ("https://training.example.org:80", "https://training.example.org:80"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(
    tmp_path: Path, given: str, origin: str
) -> None:
    config = Config(
        data=tmp_path, portal_url=given, content_url="https://content.example.net"
    )
    assert config.portal_url == origin
