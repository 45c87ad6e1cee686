"""Who may do what in an affiliate's team, and that it always has an owner.

Owners decide about everybody; managers about technicians; technicians see the team. Everybody may leave, but for the
last owner.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.auth import Actor, Role
from shared.errors import Conflict, Forbidden, NotFound

from .account import AffiliateUser

ONCE = "affiliate_users_once"


class NoSuchTeam(NotFound):
    """There is no such affiliate, or you do not work for it."""


class NoSuchMember(NotFound):
    """Nobody of this id works for the affiliate."""


class NotYoursToDecide(Forbidden):
    """Owners decide about everybody in their team, managers about technicians, others about nobody."""


class LastOwner(Conflict):
    """An affiliate always has an owner. Make somebody else an owner first, or hand it over."""


class AlreadyYours(Conflict):
    """The affiliate is yours already."""


class AlreadyInTeam(Conflict):
    """This person works for the affiliate already."""


def may_decide(mine: Role, role: Role) -> bool:
    """Whether somebody of my role decides about members of that one."""
    return mine is Role.OWNER or (mine is Role.MANAGER and role is Role.TECHNICIAN)


@dataclass(frozen=True)
class Team:
    """Everybody who works for the affiliate now, with nobody changing that meanwhile."""

    affiliate_id: int
    members: Sequence[AffiliateUser]

    @staticmethod
    def must_be_seen_by(actor: Actor, affiliate_id: int) -> None:
        if not (actor.is_staff or actor.works_for(affiliate_id)):
            raise NoSuchTeam

    def member(self, user_id: int) -> AffiliateUser:
        for member in self.members:
            if member.user_id == user_id:
                return member
        raise NoSuchMember

    def has_address(self, email: str) -> bool:
        return any(member.user.email.lower() == email.lower() for member in self.members)

    def me(self, actor: Actor) -> AffiliateUser:
        """As the team knows the actor now, whatever their token says."""
        for member in self.members:
            if member.user_id == actor.user_id:
                return member
        raise NotYoursToDecide if actor.is_staff else NoSuchTeam

    def must_let_decide(self, actor: Actor, role: Role) -> AffiliateUser:
        """The actor, who decides about members of this role."""
        me = self.me(actor)
        if not may_decide(me.role, role):
            raise NotYoursToDecide
        return me

    def change_role(self, member: AffiliateUser, role: Role) -> bool:
        """Says whether it is another now."""
        if member.role is role:
            return False
        if role is not Role.OWNER:
            self._must_have_owner_besides(member)
        member.take_role(role)
        return True

    def remove(self, me: AffiliateUser, member: AffiliateUser, at: datetime) -> None:
        """By those who decide about them, or by themselves."""
        if me is not member and not may_decide(me.role, member.role):
            raise NotYoursToDecide
        self._must_have_owner_besides(member)
        member.leave(at)

    def hand_over(self, owner: AffiliateUser, heir: AffiliateUser) -> Iterator[AffiliateUser]:
        """The heir becomes an owner and the owner a manager; answers whose role is another now."""
        if owner is heir:
            raise AlreadyYours
        for member, role in ((heir, Role.OWNER), (owner, Role.MANAGER)):
            if member.role is not role:
                member.take_role(role)
                yield member

    def _must_have_owner_besides(self, leaving: AffiliateUser) -> None:
        others = (member.role for member in self.members if member is not leaving)
        if leaving.role is Role.OWNER and Role.OWNER not in others:
            raise LastOwner
