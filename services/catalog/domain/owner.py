"""Who owns an affiliate and whether they may act at all: copies of what identity tells."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Timestamped, words
from shared.errors import Conflict

from . import Base

OWNER_SUSPENDED = "Its owner's account is suspended."


class NoOwnerCanAct(Conflict):
    """None of its owners may act at present: their accounts are suspended or closed."""


class PersonState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class TeamMember(Timestamped, Base, kw_only=True):
    """A place in a team. Whoever has left it owns nothing, and stays known so that late news brings nobody back."""

    __tablename__ = "team_members"

    affiliate_user_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    affiliate_id: Mapped[int]
    user_id: Mapped[int]
    is_owner: Mapped[bool]


class Person(Timestamped, Base, kw_only=True):
    __tablename__ = "people"

    user_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    state: Mapped[PersonState] = mapped_column(words(PersonState))


def best_state(owners: Collection[int], states: Mapping[int, PersonState]) -> PersonState:
    """That of the owner who can do most; of whom nothing was told, is active."""
    known = {states.get(owner, PersonState.ACTIVE) for owner in owners}
    return next(state for state in PersonState if state in known)
