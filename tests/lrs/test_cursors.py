import base64

import pytest

from lrs.cursors import read_cursor, write_cursor
from statements.errors import InvalidParameter

CONTENT = {"query": {"verb": "http://example.org/v?a=b&c"}, "after": 7, "newest": 9}


def test_what_was_written_is_read() -> None:
    cursor = write_cursor(CONTENT, secret="s", caller="key")
    assert read_cursor(cursor, secret="s", caller="key") == CONTENT
    assert cursor == base64.urlsafe_b64encode(
        base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    ).decode().rstrip("=")


@pytest.mark.parametrize(
    ("secret", "caller"), [("other", "key"), ("s", "other"), ("s", ""), ("", "key")]
)
def test_a_cursor_is_bound(secret: str, caller: str) -> None:
    cursor = write_cursor(CONTENT, secret="s", caller="key")
    with pytest.raises(InvalidParameter):
        read_cursor(cursor, secret=secret, caller=caller)


def test_every_changed_byte_is_noticed() -> None:
    cursor = write_cursor(CONTENT, secret="s", caller="key")
    for place in range(len(cursor)):
        for letter in "Az0-":
            changed = cursor[:place] + letter + cursor[place + 1 :]
            if changed == cursor:
                continue
            try:
                found = read_cursor(changed, secret="s", caller="key")
            except InvalidParameter:
                continue
            # the last letter has bits that carry nothing
            assert place == len(cursor) - 1
            assert found == CONTENT


@pytest.mark.parametrize("cursor", ["", "a", "!!!!", "ä" * 8, "a" * 20_000, "aa=a"])
def test_other_texts_are_refused(cursor: str) -> None:
    with pytest.raises(InvalidParameter):
        read_cursor(cursor, secret="s", caller="key")


@pytest.mark.parametrize("length", [0, 5_000, 8_800, 8_900])
def test_a_cursor_that_was_given_is_accepted(length: int) -> None:
    content = {"query": {"agent": "a" * length}, "after": 2**63, "newest": 2**63}
    cursor = write_cursor(content, secret="s", caller="key")
    assert read_cursor(cursor, secret="s", caller="key") == content


@pytest.mark.parametrize("length", [9_000, 12_000])
def test_a_cursor_that_would_be_refused_is_not_given(length: int) -> None:
    with pytest.raises(InvalidParameter, match="too long"):
        write_cursor({"query": "a" * length}, secret="s", caller="key")
