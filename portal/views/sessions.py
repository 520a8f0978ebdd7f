"""Flask's session, kept in the database by portal/sessions.py."""

from datetime import UTC, datetime
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from werkzeug.datastructures import CallbackDict

from lrs.db import reading, writing
from lrs.views.application import parts
from portal import sessions

# Nothing under these addresses knows a session: they take credentials or nothing.
WITHOUT_SESSION = ("/xapi", "/api/", "/assets/", "/health/", "/metrics")


class StoredSession(CallbackDict[str, Any], SessionMixin):
    """What one browser's session holds; `modified` when it must be saved."""

    def __init__(self, data: dict[str, Any] | None = None, token: str = "") -> None:
        def changed(session: "StoredSession") -> None:
            session.modified = True

        super().__init__(data or {}, changed)
        self.token = token
        self.old_token = ""
        self.new = not token
        self.modified = False
        self.stale = False

    def renew(self) -> None:
        """Give the session a new token: at sign-in, so that none can be planted."""
        self.old_token, self.token = self.token or self.old_token, ""
        self.modified = True


class DatabaseSessions(SessionInterface):
    """Opens and saves sessions; no session is stored until something is put in it."""

    session_class = StoredSession

    def open_session(self, app: Flask, request: Request) -> StoredSession:
        """The session of the request's cookie, or a new empty one."""
        if request.path.startswith(WITHOUT_SESSION):
            return StoredSession()
        token = request.cookies.get(self.get_cookie_name(app), "")
        if not token or len(token) > 200:
            return StoredSession()
        now = datetime.now(UTC)
        with reading(parts().engine) as db:
            row = sessions.find_session(db, token=token, now=now)
            if row is None:
                return StoredSession()
            session = StoredSession(dict(row.data), token)
            session.stale = now - row.seen_at > sessions.SEEN_EVERY
        return session

    def save_session(
        self, app: Flask, session: SessionMixin, response: Response
    ) -> None:
        """Save what changed; an emptied session is forgotten at once."""
        if not isinstance(session, StoredSession):
            return
        name = self.get_cookie_name(app)
        options: dict[str, Any] = {
            "path": "/",
            "secure": self.get_cookie_secure(app),
            "httponly": True,
            "samesite": "Lax",
        }
        if session.accessed or session.modified:
            response.vary.add("Cookie")
        with_row = session.token or session.old_token
        if not session:
            if session.modified and with_row:
                with writing(parts().engine) as db:
                    sessions.end_session(db, token=with_row)
                response.delete_cookie(name, **options)
            return
        if not (session.modified or session.stale):
            return
        fresh = not session.token
        session.token = session.token or sessions.new_token()
        with writing(parts().engine) as db:
            if session.old_token:
                sessions.end_session(db, token=session.old_token)
            keep = sessions.begin_session if fresh else sessions.save_session
            keep(db, token=session.token, data=dict(session), now=datetime.now(UTC))
        if fresh:
            response.set_cookie(name, session.token, **options)
