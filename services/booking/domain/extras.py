"""What a crew offers to do beyond what was booked, when it sees the vehicle; the customer says whether."""

from collections.abc import Sequence

from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from shared.db import kept
from shared.errors import Conflict, Unprocessable
from shared.pricing import MAX_TOTAL_CENTS, MIN_PRICE_CENTS, LineItem, Price, PriceTooHigh

MAX_EXTRAS, MAX_EXTRA_MINUTES = 20, 480


class NoTimeForExtras(Conflict):
    """The crew has to be elsewhere before it could be done with that."""


class ExtrasTooLow(Unprocessable):
    """Extras must come to a sum that can be paid: `least_cents` at least."""


class NoExtrasOffered(Conflict):
    """There are no extras to answer, or they are others than you saw: `price_cents` is what it costs with them."""


class Extended(MappedAsDataclass, kw_only=True):
    """What is offered and not answered yet: `extras` with the tax on them, and how much longer it takes."""

    extras: Mapped[list[LineItem]] = mapped_column(kept(list[LineItem]), default_factory=list)
    extra_minutes: Mapped[int] = mapped_column(default=0)

    def keep_extras(self, price: Price, before_cents: int) -> None:
        """Instead of what was offered before; `before_cents` is what it costs without them."""
        if price.total_cents < MIN_PRICE_CENTS:
            raise ExtrasTooLow(least_cents=MIN_PRICE_CENTS)
        if before_cents + price.total_cents > MAX_TOTAL_CENTS:
            raise PriceTooHigh
        self.extras, self.extra_minutes = price.lines, price.duration_minutes

    def with_extras(self, lines: Sequence[LineItem], seen_cents: int) -> Price:
        """What all of it costs, if that is what the customer saw."""
        price = Price(lines=[*lines, *self.extras], duration_minutes=self.extra_minutes)
        if not self.extras or price.total_cents != seen_cents:
            raise NoExtrasOffered(price_cents=price.total_cents)
        return price

    def drop_extras(self) -> None:
        if not self.extras:
            raise NoExtrasOffered(price_cents=0)
        self.forget_extras()

    def forget_extras(self) -> None:
        self.extras, self.extra_minutes = [], 0
