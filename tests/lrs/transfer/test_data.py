from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import pytest

from lrs.storage import ObjectMissing
from lrs.transfer.data import copy_data, has_data, keep_data, needed
from lrs.transfer.files import BrokenData
from tests.conftest import NOW

if TYPE_CHECKING:
    from pathlib import Path

    from lrs.parts import Parts

DATA = b"report \x00\xff"
SHA2 = hashlib.sha256(DATA).hexdigest()


def test_data_goes_in_and_out(parts: Parts, tmp_path: Path) -> None:
    assert not has_data(parts, 1, SHA2, "LMS", NOW)
    with pytest.raises(ObjectMissing):
        copy_data(parts, 1, SHA2, tmp_path / "x")
    keep_data(parts, 1, SHA2, io.BytesIO(DATA), "LMS", NOW)
    assert has_data(parts, 1, SHA2, "LMS", NOW)
    assert not has_data(parts, 2, SHA2, "LMS", NOW)
    copy_data(parts, 1, SHA2, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == DATA


def test_what_has_another_hash_is_not_kept(parts: Parts) -> None:
    with pytest.raises(BrokenData):
        keep_data(parts, 1, SHA2, io.BytesIO(DATA + b"x"), "LMS", NOW)
    assert not has_data(parts, 1, SHA2, "LMS", NOW)


def test_needed_is_what_has_no_other_address() -> None:
    linked = {"sha2": "a", "fileUrl": "https://x.example"}
    inside = {"objectType": "SubStatement", "attachments": [linked, {"sha2": "B"}]}
    statement = {"attachments": [{"sha2": "c"}, linked], "object": inside}
    assert needed(statement) == {"b", "c"}
    assert needed({"object": {"id": "http://x.example"}}) == set()
