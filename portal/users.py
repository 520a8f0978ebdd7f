"""Users: portal logins, their roles, agency and position.

Names and addresses live here only; statements carry the opaque user id as an xAPI
account, so that a record can be read without knowing who it is about. Passwords are
argon2id, normalised as Flask-Security does (NFKD), which checks them.
"""

import re
import unicodedata
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import (
    ForeignKey,
    Index,
    Integer,
    String,
    Uuid,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.db import Base, UtcDateTime, insert_new, new_id
from portal.access import POSITIONS, ROLES, Principal
from portal.agencies import Agency
from statements.errors import Conflict, Invalid, NotFound

PASSWORD_MINIMUM = 12
PASSWORD_MAXIMUM = 128
# How many people a page lists at most.
LIST_LIMIT = 500
# A burst of tries, then one every thirty seconds: ten for an account, more for a
# network address, which a whole station may share.
TRIES = 10
ADDRESS_TRIES = 60
TRY_EVERY = timedelta(seconds=30)

_EMAIL = re.compile(r"[^\s@<>\"(),:;]+@[^\s@<>\"(),:;]+\.[^\s@<>\"(),:;.]+")


class DuplicateUser(Conflict):
    """There is already a user with this e-mail address."""


class User(Base):
    """A portal login. `uniquifier` is what a session holds: a new one ends them all."""

    __tablename__ = "portal_user"
    __table_args__ = (Index("ix_portal_user_agency", "agency_id"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool]
    uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    agency_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agency.id"))
    position: Mapped[str] = mapped_column(String(20))
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class UserRole(Base):
    """A role of a user."""

    __tablename__ = "user_role"

    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("portal_user.id"), primary_key=True
    )
    role: Mapped[str] = mapped_column(String(30), primary_key=True)


class SignInTries(Base):
    """How many tries an account or a network address has left (a token bucket)."""

    __tablename__ = "sign_in_tries"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    used: Mapped[int] = mapped_column(Integer)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, kw_only=True)
class Person:
    """A user with roles and the agency's name, as pages show them."""

    user: User
    roles: frozenset[str]
    agency: Agency | None

    @property
    def principal(self) -> Principal:
        """As permissions see the person."""
        return Principal(
            user_id=self.user.id, agency_id=self.user.agency_id, roles=self.roles
        )


def normal_password(password: str) -> str:
    """One spelling of what may be typed in several."""
    return unicodedata.normalize("NFKD", password)


def hash_password(password: str) -> str:
    """argon2id; raises Invalid when too short or too long."""
    text = normal_password(password)
    if not PASSWORD_MINIMUM <= len(text) <= PASSWORD_MAXIMUM:
        message = (
            f"Choose a password of {PASSWORD_MINIMUM} to {PASSWORD_MAXIMUM} characters."
        )
        raise Invalid(message, field="password")
    return PasswordHasher().hash(text)


def spell_email(email: str) -> str:
    """One spelling of what is typed as an address: trimmed, composed, lower-case."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def normal_email(email: str) -> str:
    """Trimmed and lower-case; raises Invalid when it cannot be an address."""
    text = spell_email(email)
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        message = "Give an e-mail address such as name@agency.example."
        raise Invalid(message, field="email")
    return text


def create_user(
    db: Session,
    *,
    email: str,
    name: str,
    password: str,
    roles: Iterable[str],
    agency: Agency | None,
    position: str,
    now: datetime,
) -> User:
    """The new user, confirmed and active; raises Invalid or DuplicateUser."""
    email = normal_email(email)
    name, chosen = _checked(name, roles, agency, position)
    if find_user(db, email=email) is not None:
        raise DuplicateUser(field="email")
    user = User(
        id=new_id(),
        email=email,
        name=name,
        password=hash_password(password),
        active=True,
        uniquifier=new_id().hex,
        agency_id=agency.id if agency else None,
        position=position,
        confirmed_at=now,
        created_at=now,
    )
    db.add(user)
    try:
        db.flush()
    except IntegrityError as error:
        raise DuplicateUser(field="email") from error
    db.add_all(UserRole(user_id=user.id, role=role) for role in sorted(chosen))
    db.flush()
    return user


def _checked(
    name: str, roles: Iterable[str], agency: Agency | None, position: str
) -> tuple[str, frozenset[str]]:
    """The name in one spelling and all roles; raises Invalid, naming the field."""
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    chosen = frozenset(roles) | {"learner"}
    if not name or len(name) > 200:
        message = "Give a name of up to 200 characters."
        raise Invalid(message, field="name")
    if unknown := chosen - ROLES.keys():
        message = f"There is no role {min(unknown)!r}."
        raise Invalid(message, field="roles")
    if position not in POSITIONS:
        message = f"There is no position {position!r}."
        raise Invalid(message, field="position")
    if agency is None and chosen & {"training_manager", "lp_administrator"}:
        message = "A training manager or LP administrator belongs to an agency."
        raise Invalid(message, field="agency")
    return name, chosen


def change_user(
    db: Session,
    *,
    user: User,
    name: str,
    roles: Iterable[str],
    agency: Agency | None,
    position: str,
) -> None:
    """Correct a user; other roles or another agency end the open sessions.

    Certificates keep the name under which they were issued. Raises Invalid.
    """
    name, chosen = _checked(name, roles, agency, position)
    agency_id = agency.id if agency else None
    before = roles_of(db, user_id=user.id)
    if chosen != before or agency_id != user.agency_id:
        user.uniquifier = new_id().hex
    user.name, user.position, user.agency_id = name, position, agency_id
    db.execute(
        delete(UserRole).where(
            UserRole.user_id == user.id, UserRole.role.in_(before - chosen)
        )
    )
    db.add_all(UserRole(user_id=user.id, role=role) for role in sorted(chosen - before))
    db.flush()


def set_password(user: User, *, password: str) -> None:
    """Another password; every open session ends. Raises Invalid."""
    user.password = hash_password(password)
    user.uniquifier = new_id().hex


def set_active(user: User, *, active: bool) -> None:
    """Open or close an account; either way every open session of it ends."""
    user.active = active
    user.uniquifier = new_id().hex


def find_user(db: Session, *, email: str) -> User | None:
    """By address, without regard to case and to how accents are typed."""
    return db.scalar(select(User).where(User.email == spell_email(email)))


def find_by_uniquifier(db: Session, *, uniquifier: str) -> User | None:
    """By what a session holds."""
    return db.scalar(select(User).where(User.uniquifier == uniquifier))


def get_user(db: Session, *, user_id: uuid.UUID) -> User:
    """The user; raises NotFound."""
    user = db.get(User, user_id)
    if user is None:
        message = "There is no such user."
        raise NotFound(message)
    return user


def roles_of(db: Session, *, user_id: uuid.UUID) -> frozenset[str]:
    """The user's roles."""
    return frozenset(
        db.scalars(select(UserRole.role).where(UserRole.user_id == user_id))
    )


def person_with(db: Session, *, user: User) -> Person:
    """The user with roles and agency."""
    agency = db.get(Agency, user.agency_id) if user.agency_id else None
    return Person(user=user, roles=roles_of(db, user_id=user.id), agency=agency)


def find_people(
    db: Session,
    *,
    agency_id: uuid.UUID | None = None,
    text: str = "",
    limit: int = LIST_LIMIT,
) -> Sequence[Person]:
    """People by name, of one agency where given, whose name or address has `text`."""
    query = select(User).order_by(User.name, User.id).limit(limit)
    if agency_id is not None:
        query = query.where(User.agency_id == agency_id)
    if text.strip():
        wanted = spell_email(text)
        # not every database's lower() knows more than the letters of English
        spellings = (wanted, wanted.title(), wanted.upper())
        query = query.where(
            or_(
                func.lower(User.name).contains(wanted, autoescape=True),
                *(User.name.contains(one, autoescape=True) for one in spellings),
                User.email.contains(wanted, autoescape=True),
            )
        )
    users = db.scalars(query).all()
    ids = [user.id for user in users]
    roles: dict[uuid.UUID, set[str]] = {}
    for row in db.scalars(select(UserRole).where(UserRole.user_id.in_(ids))):
        roles.setdefault(row.user_id, set()).add(row.role)
    agencies = {agency.id: agency for agency in db.scalars(select(Agency))}
    return [
        Person(
            user=user,
            roles=frozenset(roles.get(user.id, ())),
            agency=agencies.get(user.agency_id) if user.agency_id else None,
        )
        for user in users
    ]


def actor_of(user_id: uuid.UUID, *, portal_url: str) -> dict[str, Any]:
    """The xAPI agent of a user: an opaque account, no name."""
    return {
        "objectType": "Agent",
        "account": {"homePage": portal_url, "name": str(user_id)},
    }


def take_try(db: Session, *, key: str, now: datetime, tries: int = TRIES) -> bool:
    """Use one sign-in try of an account or address; False when none is left."""
    insert_new(db, SignInTries, key=key, used=0, since=now)
    row = db.get_one(SignInTries, key, with_for_update=True, populate_existing=True)
    back = int((now - row.since) / TRY_EVERY)
    if back > 0:
        row.used = max(row.used - back, 0)
        row.since = now if row.used == 0 else row.since + back * TRY_EVERY
    if row.used >= tries:
        return False
    row.used += 1
    return True


def forget_tries(db: Session, *, email_key: str, address_key: str) -> None:
    """A right password gives the account its tries back, the address this one."""
    account = db.get(SignInTries, email_key)
    if account is not None:
        account.used = 0
    address = db.get(SignInTries, address_key, with_for_update=True)
    if address is not None and address.used:
        address.used -= 1
