from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import orjson
import pytest

from statements.prepare import prepare
from tests.bench.load import renewed, request
from tests.bench.samples import RARE, Samples, body

NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_samples_are_valid_and_of_the_size_that_is_told(version):
    stream = Samples(total=100_000)
    kinds: Counter[str] = Counter()
    sizes = []
    for _ in range(3000):
        made = stream.statement()
        raw = orjson.dumps(made)
        prepare(made, raw, version=version, now=NOW)
        kinds[made["object"].get("objectType", "Activity")] += 1
        sizes.append(len(raw))
    assert set(kinds) == {"Activity", "StatementRef", "SubStatement"}
    assert kinds["Activity"] > 2800
    assert 1100 < sum(sizes) / len(sizes) < 1400


def test_the_same_seed_gives_the_same_statements():
    one, other, third = Samples(seed=7), Samples(seed=7), Samples(seed=8)
    first = [one.statement() for _ in range(50)]
    assert first == [other.statement() for _ in range(50)]
    assert first != [third.statement() for _ in range(50)]


def test_common_values_are_common_and_rare_ones_rare():
    stream = Samples(total=20_000)
    verbs = Counter(stream.statement()["verb"]["id"] for _ in range(20_000))
    (_, most), *_ = verbs.most_common(1)
    assert most > 4000
    assert verbs[RARE["verb"]] < 20


def test_a_request_differs_from_the_next_by_its_ids_alone():
    stream = Samples()
    made = [stream.statement() for _ in range(3)]
    ids = tuple(one["id"] for one in made)
    wanted = request("POST", "/x", headers={"Host": "x"}, body=body(made), ids=ids)
    head, _, sent = bytes(renewed(wanted)).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(sent)}".encode() in head
    received = orjson.loads(sent)
    for old, new in zip(made, received, strict=True):
        assert new["id"] != old["id"]
        assert {**new, "id": old["id"]} == old
    assert renewed(wanted) != renewed(wanted)
