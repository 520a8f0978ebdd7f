"""Standards with duties of their own name a module that has them."""

from __future__ import annotations

import pytest

from player import duties


@pytest.mark.parametrize("standard", [*sorted(duties.MODULES), "scorm_12"])
def test_each_module_has_what_is_called(standard: str) -> None:
    found = duties.duties_of(standard)
    assert (found is None) == (standard not in duties.MODULES)
    if found is not None:
        assert callable(found.start)
        assert callable(found.end)
