"""Between whom an appointment is, and in which capacity somebody acts upon it."""

from sqlalchemy.orm import Mapped, MappedAsDataclass

from shared.auth import Actor

from .life import NotYourPart, Party


class Parties(MappedAsDataclass, kw_only=True):
    customer_id: Mapped[int]
    affiliate_id: Mapped[int]

    def may_be_seen_by(self, actor: Actor) -> bool:
        return actor.customer_id == self.customer_id or actor.works_for(self.affiliate_id) or actor.is_staff

    def must_not_be_of(self, actor: Actor) -> None:
        """What others want is not its customer's to see."""
        if actor.customer_id == self.customer_id:
            raise NotYourPart

    def capacities(self, actor: Actor) -> frozenset[Party]:
        """All in which somebody may act on it; nobody is staff in a matter of their own."""
        mine = {
            Party.CUSTOMER: actor.customer_id == self.customer_id,
            Party.TEAM: actor.works_for(self.affiliate_id),
            Party.LEADERS: actor.runs(self.affiliate_id),
            Party.ADMIN: actor.is_admin and actor.customer_id != self.customer_id,
        }
        return frozenset(party for party, is_mine in mine.items() if is_mine)

    def acting_as(self, actor: Actor) -> str:
        """In which of them it counts: customer, affiliate or staff."""
        if actor.customer_id == self.customer_id:
            return "customer"
        return "affiliate" if actor.works_for(self.affiliate_id) else "staff"
