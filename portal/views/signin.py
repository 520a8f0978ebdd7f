"""Sign-in by Flask-Security on our own tables.

Flask-Security brings the form, the password check and the seams for confirmation,
reset and second factors; users are ours, so an adapter stands in for its datastore.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from flask import Flask, request, session
from flask_login import (  # type: ignore[import-untyped]
    user_logged_in,
    user_logged_out,
)
from flask_security import LoginForm, RoleMixin, Security, UserMixin, current_user
from flask_security.datastore import UserDatastore

from lrs.config import Config
from lrs.db import reading, writing
from lrs.views.application import parts
from player.previews import end_previews
from portal import users
from portal.access import Principal
from portal.views.sessions import DatabaseSessions, StoredSession


class SignedInRole(RoleMixin):
    """A role by name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.permissions = None


class SignedIn(UserMixin):
    """The user of this request, as Flask-Security and the templates see it."""

    id: uuid.UUID  # type: ignore[assignment]  # Flask-Security's are integers
    fs_uniquifier: str = ""  # Flask-Security looks for it on the class

    def __init__(self, person: users.Person) -> None:
        user = person.user
        self.id = user.id
        self.email = user.email
        self.name = user.name
        self.password = user.password
        self.active = user.active
        self.confirmed_at = user.confirmed_at
        self.fs_uniquifier = user.uniquifier
        self.position = user.position
        self.agency_id = user.agency_id
        self.agency_name = person.agency.name if person.agency else ""
        self.role_names = person.roles
        self.roles = [SignedInRole(name) for name in sorted(person.roles)]

    @property
    def principal(self) -> Principal:
        """As permissions see the person."""
        return Principal(
            user_id=self.id, agency_id=self.agency_id, roles=self.role_names
        )


class Accounts(UserDatastore):
    """What Flask-Security asks of a store of users; each write is its own."""

    def __init__(self) -> None:
        super().__init__(SignedIn, SignedInRole)

    def find_user(
        self,
        case_insensitive: bool = False,  # noqa: ARG002, FBT001, FBT002 - always so
        **kwargs: Any,
    ) -> SignedIn | None:
        """By `email` or by `fs_uniquifier`."""
        with reading(parts().engine) as db:
            if email := kwargs.get("email"):
                user = users.find_user(db, email=str(email))
            else:
                user = users.find_by_uniquifier(db, uniquifier=kwargs["fs_uniquifier"])
            return None if user is None else SignedIn(users.person_with(db, user=user))

    def find_role(self, role: str) -> SignedInRole:
        """Roles exist by name alone."""
        return SignedInRole(role)

    def put(self, model: SignedIn) -> SignedIn:
        """Keep a password hashed again and a new session key."""
        with writing(parts().engine) as db:
            user = users.get_user(db, user_id=model.id)
            user.password = model.password
            user.uniquifier = model.fs_uniquifier
        return model

    def delete(self, model: SignedIn) -> None:
        """Users are closed, never deleted."""
        message = "users are closed, not deleted"
        raise NotImplementedError(message)

    def commit(self) -> None:
        """Nothing is pending: `put` writes."""


class SignInForm(LoginForm):
    """The sign-in form: few tries for an account or a network address."""

    is_spent = False
    remember = None  # a session ends after half an hour; nothing outlives it

    def validate(self, **kwargs: Any) -> bool:
        """Check the tries before the password, so a flood costs no hashing."""
        email = users.spell_email(str(self.email.data or ""))[:150]
        now = datetime.now(UTC)
        account, address = f"email:{email}", f"address:{request.remote_addr}"
        with writing(parts().engine) as db:
            left = users.take_try(
                db, key=address, now=now, tries=users.ADDRESS_TRIES
            ) and users.take_try(db, key=account, now=now)
        if not left:
            self.is_spent = True
            self.form_errors.append("Too many tries.")
            return False
        if not super().validate(**kwargs):
            return False
        with writing(parts().engine) as db:
            users.forget_tries(db, email_key=account, address_key=address)
        return True


def signed_in() -> SignedIn:
    """The signed-in user; only for routes that are guarded."""
    return cast("SignedIn", current_user._get_current_object())  # noqa: SLF001


def is_signed_in() -> bool:
    """Whether this request has a signed-in user."""
    return bool(current_user and current_user.is_authenticated)


def _renew_session(_app: Flask, user: SignedIn, **_: Any) -> None:
    if isinstance(stored := session._get_current_object(), StoredSession):  # type: ignore[attr-defined]  # noqa: SLF001
        stored.renew()
    with writing(parts().engine) as db:
        users.get_user(db, user_id=user.id).signed_in_at = datetime.now(UTC)


def _end_previews(_app: Flask, user: SignedIn, **_: Any) -> None:
    """What was open to the person as an author is closed at sign-out."""
    if user is not None and user.is_authenticated:
        with writing(parts().engine) as db:
            end_previews(db, opened_by=str(user.id))


def _nobody(_given: object) -> None:
    """No user, whatever a request carries beside its session."""


def set_up(app: Flask, config: Config) -> None:
    """Server-side sessions and Flask-Security on the app."""
    secure = config.portal_url.startswith("https:")
    app.config.update(
        SECRET_KEY=config.secret_key,
        SESSION_COOKIE_NAME="__Host-rollcall" if secure else "rollcall",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        # Tokens last as long as the session they are bound to.
        WTF_CSRF_TIME_LIMIT=None,
        # The guard of portal/views/__init__.py checks tokens, for our routes only.
        WTF_CSRF_CHECK_DEFAULT=False,
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of a scheme
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SINGLE_HASH=True,
        SECURITY_PASSWORD_SALT=str(uuid.uuid5(uuid.NAMESPACE_OID, config.secret_key)),
        SECURITY_LOGIN_URL="/sign-in",
        SECURITY_LOGOUT_URL="/sign-out",
        SECURITY_LOGOUT_METHODS=["POST"],
        # no page of its own asks for the password again
        SECURITY_FRESHNESS=timedelta(seconds=-1),
        SECURITY_API_ENABLED_METHODS=["session"],
        SECURITY_POST_LOGIN_VIEW="/",
        SECURITY_POST_LOGOUT_VIEW="/sign-in",
        SECURITY_LOGIN_USER_TEMPLATE="account/sign_in.html",
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_FLASH_MESSAGES=False,
        SECURITY_SEND_REGISTER_EMAIL=False,
        SECURITY_DEFAULT_REMEMBER_ME=False,
        SECURITY_USER_IDENTITY_ATTRIBUTES=[{"email": {"case_insensitive": True}}],
    )
    app.session_interface = DatabaseSessions()
    security = Security(app, Accounts(), login_form=SignInForm)
    # answers are pages: the other kind can hold a token
    security.want_json(lambda _request: False)
    # a session is the only way to be signed in: no tokens or cookies that outlive it
    manager = app.login_manager  # type: ignore[attr-defined]
    manager.request_loader(_nobody)
    manager._load_user_from_remember_cookie = _nobody  # noqa: SLF001
    user_logged_in.connect(_renew_session, app)
    user_logged_out.connect(_end_previews, app)
