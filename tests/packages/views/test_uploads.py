"""What becomes of uploads of other systems."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lrs import jobs
from packages.intake import import_package
from tests.packages.make import course
from tests.packages.tus import SPOKEN, Tus

if TYPE_CHECKING:
    from lrs.parts import Parts


def test_a_second_upload_of_the_same_file_names_the_first(parts: Parts) -> None:
    """It is imported all the same: the caller has been told."""
    tus = Tus(parts)
    data = course()
    shown = []
    for _ in range(2):
        place = tus.begin(data)
        before = tus.call("GET", place).get_json()
        assert (before["package"], before["duplicate_of"]) == (None, None)
        assert tus.send(place, 0, data).status_code == 204
        shown.append(tus.call("GET", place).get_json())
        jobs.run_due(parts, {"package.import": (import_package,)}, datetime.now(UTC))
    first, second = shown
    assert first["duplicate_of"] is None
    assert second["duplicate_of"] == first["package"]
    assert second["package"] not in {None, first["package"]}


def test_an_upload_is_shown_as_described(parts: Parts) -> None:
    tus = Tus(parts)
    place = tus.begin(b"12345", name="../a.zip")
    shown = tus.call("GET", place).get_json()
    expires = datetime.fromisoformat(shown.pop("expires_at"))
    assert expires > datetime.now(UTC)
    assert shown == {
        "id": place.rpartition("/")[2],
        "filename": "a.zip",
        "length": 5,
        "offset": 0,
        "sha256": None,
        "package": None,
        "duplicate_of": None,
    }
    assert tus.call("HEAD", place, **SPOKEN).headers["Upload-Offset"] == "0"
