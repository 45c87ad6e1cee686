"""A tier of a service: what is done, how long it takes, what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.db import Keyed, Timestamped, words
from shared.vehicles import SizeClass

from . import Base, SoftDeleted

MIN_MINUTES, MAX_MINUTES = 15, 1440
MAX_INCLUDED = 30


@dataclass(frozen=True, slots=True)
class TierDraft:
    """A tier as its affiliate wants it; with an `id` it is the tier that already has it."""

    id: int | None
    name: str
    price_cents: int
    duration_minutes: int
    included: list[str]
    active: bool
    size_prices: Mapping[SizeClass, int] = field(default_factory=dict)


class TierSizePrice(Keyed, Timestamped, Base, kw_only=True):
    """What a tier costs for vehicles of this size, whatever the affiliate's multipliers say."""

    __tablename__ = "tier_size_prices"

    tier_id: Mapped[int] = mapped_column(ForeignKey("service_tiers.id"), init=False)
    size_class: Mapped[SizeClass] = mapped_column(words(SizeClass))
    price_cents: Mapped[int]


class ServiceTier(Keyed, Timestamped, SoftDeleted, Base, kw_only=True):
    """Its version is the service's: they change together."""

    __tablename__ = "service_tiers"

    service_id: Mapped[int] = mapped_column(ForeignKey("services.id"), init=False)
    name: Mapped[str]
    price_cents: Mapped[int]
    duration_minutes: Mapped[int]
    included: Mapped[list[str]]
    position: Mapped[int]
    active: Mapped[bool]
    own_prices: Mapped[list[TierSizePrice]] = relationship(
        default_factory=list, init=False, lazy="joined", cascade="all, delete-orphan", order_by=TierSizePrice.id
    )

    @classmethod
    def of(cls, draft: TierDraft, position: int) -> Self:
        tier = cls(
            name=draft.name,
            price_cents=draft.price_cents,
            duration_minutes=draft.duration_minutes,
            included=draft.included,
            position=position,
            active=draft.active,
        )
        tier._price(draft.size_prices)
        return tier

    @property
    def is_offered(self) -> bool:
        return self.active and self.deleted_at is None

    @property
    def size_prices(self) -> list[TierSizePrice]:
        """In the order of sizes."""
        order = list(SizeClass)
        return sorted(self.own_prices, key=lambda own: order.index(own.size_class))

    @property
    def draft(self) -> TierDraft:
        """What would leave it as it is."""
        own = {own.size_class: own.price_cents for own in self.own_prices}
        return TierDraft(
            self.id, self.name, self.price_cents, self.duration_minutes, self.included, self.active, size_prices=own
        )

    def change(self, draft: TierDraft, position: int) -> None:
        self.name, self.price_cents, self.duration_minutes = draft.name, draft.price_cents, draft.duration_minutes
        self.included, self.active, self.position = draft.included, draft.active, position
        self._price(draft.size_prices)

    def _price(self, size_prices: Mapping[SizeClass, int]) -> None:
        known = {own.size_class: own for own in self.own_prices}
        for size, price_cents in size_prices.items():
            if size in known:
                known[size].price_cents = price_cents
            else:
                self.own_prices.append(TierSizePrice(size_class=size, price_cents=price_cents))
        self.own_prices = [own for own in self.own_prices if own.size_class in size_prices]
