"""Addresses that a browser may fetch an object by."""

from __future__ import annotations

import http.client
import io
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from lrs.config import Config
from lrs.signed import make_signer
from lrs.storage import InvalidKey
from statements.errors import InvalidConfig
from tests.conftest import storage_of
from tests.servers import S3_BUCKET

if TYPE_CHECKING:
    from tests.servers import Servers


@pytest.fixture
def s3(servers: Servers, config: Config) -> Config:
    """Give settings with a server that browsers reach."""
    url = servers.s3()["url"]
    return replace(
        config,
        storage_url=f"s3://{S3_BUCKET}/{uuid.uuid4().hex}",
        s3_endpoint_url=url,
        s3_media_url=url,
    )


def fetch(address: str, **headers: str) -> tuple[int, str, bytes]:
    parts = urlsplit(address)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        line.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        answer = line.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        line.close()


def test_the_server_itself_gives_the_object_with_its_type(s3: Config) -> None:
    storage_of(s3).put("a/1", io.BytesIO(b"0123456789"), content_type="text/plain")
    signer = make_signer(s3)
    assert signer is not None
    assert signer.origin == s3.s3_media_url
    address = signer.address("a/1", content_type="video/mp4")
    assert address.startswith(f"{signer.origin}/")
    assert fetch(address) == (200, "video/mp4", b"0123456789")
    assert fetch(address, Range="bytes=2-3") == (206, "video/mp4", b"23")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("/a/1", "/a/2", id="another object"),
        pytest.param("video%2Fmp4", "text%2Fhtml", id="another type"),
        pytest.param("X-Amz-Expires=21600", "X-Amz-Expires=604800", id="longer"),
    ],
)
def test_it_is_good_for_what_was_signed_alone(s3: Config, old: str, new: str) -> None:
    for key in ("a/1", "a/2"):
        storage_of(s3).put(key, io.BytesIO(b"1"), content_type="text/plain")
    signer = make_signer(s3)
    assert signer is not None
    address = signer.address("a/1", content_type="video/mp4")
    assert fetch(address)[0] == 200
    assert old in address
    assert fetch(address.replace(old, new))[0] == 403


def test_keys_are_ours(s3: Config) -> None:
    signer = make_signer(s3)
    assert signer is not None
    with pytest.raises(InvalidKey):
        signer.address("../a", content_type="video/mp4")


def test_without_such_a_server_nothing_is_signed(s3: Config, config: Config) -> None:
    assert make_signer(config) is None
    assert make_signer(replace(s3, s3_media_url="")) is None
    assert make_signer(replace(config, s3_media_url="https://s3.example")) is None


def test_the_address_of_the_server_is_an_origin(config: Config) -> None:
    said = replace(config, s3_media_url="https://S3.example:443")
    assert said.s3_media_url == "https://s3.example"
    with pytest.raises(InvalidConfig, match="S3_MEDIA_URL"):
        replace(config, s3_media_url="https://s3.example/bucket")
