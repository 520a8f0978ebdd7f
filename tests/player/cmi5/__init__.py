"""Tests of cmi5; what checks find is told in full though they stand apart."""

import pytest

pytest.register_assert_rewrite(
    *(
        f"tests.player.cmi5.checks{part}"
        for part in ("", "_documents", "_launch", "_packages", "_told")
    )
)
