from datetime import timedelta

import pytest

from portal import sessions


def test_the_table_opens_no_session(db, now) -> None:
    token = sessions.new_token()
    sessions.begin_session(db, token=token, data={"a": 1}, now=now)
    db.flush()
    row = sessions.find_session(db, token=token, now=now)
    assert row is not None
    assert row.data == {"a": 1}
    assert token not in row.key
    assert sessions.find_session(db, token=row.key, now=now) is None


@pytest.mark.parametrize(
    ("idle", "alive"), [(timedelta(minutes=30), True), (timedelta(minutes=31), False)]
)
def test_idle_end(db, now, idle, alive) -> None:
    token = sessions.new_token()
    sessions.begin_session(db, token=token, data={}, now=now)
    db.flush()
    found = sessions.find_session(db, token=token, now=now + idle)
    assert (found is not None) is alive


def test_absolute_end_however_busy(db, now) -> None:
    token = sessions.new_token()
    sessions.begin_session(db, token=token, data={}, now=now)
    db.flush()
    for minutes in range(0, 12 * 60 + 1, 20):
        sessions.save_session(
            db, token=token, data={}, now=now + timedelta(minutes=minutes)
        )
        db.flush()
    at = now + timedelta(hours=12)
    assert sessions.find_session(db, token=token, now=at) is not None
    late = at + timedelta(minutes=1)
    assert sessions.find_session(db, token=token, now=late) is None


def test_ended_and_stale_sessions_are_gone(db, now) -> None:
    first, second = sessions.new_token(), sessions.new_token()
    sessions.begin_session(db, token=first, data={}, now=now)
    db.flush()
    later = now + timedelta(hours=1)
    sessions.begin_session(db, token=second, data={}, now=later)
    db.flush()
    assert db.query(sessions.PortalSession).count() == 1
    sessions.end_session(db, token=second)
    assert sessions.find_session(db, token=second, now=later) is None


def test_a_late_answer_does_not_bring_an_ended_session_back(db, now) -> None:
    token = sessions.new_token()
    sessions.begin_session(db, token=token, data={"who": "me"}, now=now)
    db.flush()
    sessions.end_session(db, token=token)
    sessions.save_session(db, token=token, data={"who": "me"}, now=now)
    assert sessions.find_session(db, token=token, now=now) is None
