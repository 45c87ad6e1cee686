"""What an affiliate offers: services, each with tiers that have a price and a duration."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.db import Aggregate, Keyed, Timestamped
from shared.errors import Conflict, NotFound, Unprocessable

from . import Base, SoftDeleted

CATEGORY_EXISTS = "fk_services_category"
MAX_TIERS = 20
MAX_TIERS_EVER = 200  # events carry removed tiers too, so that no consumer goes on offering one
MAX_SERVICES = 100
MIN_MINUTES, MAX_MINUTES = 15, 1440


class NoSuchService(NotFound):
    """There is no such service, or it is not yours to see."""


class UnknownCategory(Unprocessable):
    """There is no such category; GET /catalog/v1/categories lists them."""


class UnknownTier(Unprocessable):
    """A tier is named by an id that this service does not have, or by the same id twice."""


class TooManyTiers(Conflict):
    """This service has replaced too many tiers. Send tiers with their ids to change them, or make a new service."""


class TooManyServices(Conflict):
    """An affiliate offers at most 100 services. Delete one first."""


class Category(Timestamped, Base, kw_only=True):
    __tablename__ = "categories"

    slug: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    position: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)


@dataclass(frozen=True, slots=True)
class TierDraft:
    """A tier as its affiliate wants it; with an `id` it is the tier that already has it."""

    id: int | None
    name: str
    price_cents: int
    duration_minutes: int
    included: list[str]
    active: bool


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

    @classmethod
    def of(cls, draft: TierDraft, position: int) -> Self:
        return cls(
            name=draft.name,
            price_cents=draft.price_cents,
            duration_minutes=draft.duration_minutes,
            included=draft.included,
            position=position,
            active=draft.active,
        )

    @property
    def is_offered(self) -> bool:
        return self.active and self.deleted_at is None

    def change(self, draft: TierDraft, position: int) -> None:
        self.name, self.price_cents, self.duration_minutes = draft.name, draft.price_cents, draft.duration_minutes
        self.included, self.active, self.position = draft.included, draft.active, position


class Service(Aggregate, SoftDeleted, Base, kw_only=True):
    """A service with all its tiers, removed ones included."""

    __tablename__ = "services"

    affiliate_id: Mapped[int] = mapped_column(ForeignKey("affiliates.id"))
    category: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    tiers: Mapped[list[ServiceTier]] = relationship(
        default_factory=list, init=False, lazy="selectin", order_by=ServiceTier.id
    )

    @classmethod
    def publish(
        cls, affiliate_id: int, category: str, name: str, description: str, tiers: Sequence[TierDraft], *, active: bool
    ) -> Self:
        service = cls(affiliate_id=affiliate_id, category=category, name=name, description=description, active=active)
        if any(draft.id is not None for draft in tiers):
            raise UnknownTier
        service.tiers = [ServiceTier.of(draft, position) for position, draft in enumerate(tiers)]
        return service

    @property
    def is_offered(self) -> bool:
        return self.active and self.deleted_at is None

    @property
    def current_tiers(self) -> list[ServiceTier]:
        """Those not removed, in the affiliate's order."""
        return sorted((t for t in self.tiers if t.deleted_at is None), key=lambda t: t.position)

    @property
    def offered_tiers(self) -> list[ServiceTier]:
        return [tier for tier in self.current_tiers if tier.active]

    def revise(
        self,
        category: str,
        name: str,
        description: str,
        tiers: Sequence[TierDraft],
        *,
        active: bool,
        at: datetime,
    ) -> None:
        """Replace all that it says. Tiers sent with their id stay themselves; those not sent are removed."""
        self._retier(tiers, at)
        self.category, self.name, self.description, self.active = category, name, description, active
        self.version += 1

    def withdraw(self, at: datetime) -> None:
        self.deleted_at = at
        for tier in self.current_tiers:
            tier.deleted_at = at
        self.version += 1

    def _retier(self, drafts: Sequence[TierDraft], at: datetime) -> None:
        known = {tier.id: tier for tier in self.current_tiers}
        named = [draft.id for draft in drafts if draft.id is not None]
        if len(set(named)) < len(named) or not known.keys() >= set(named):
            raise UnknownTier
        if len(self.tiers) + len(drafts) - len(named) > MAX_TIERS_EVER:
            raise TooManyTiers
        for gone in known.keys() - set(named):
            known[gone].deleted_at = at
        for position, draft in enumerate(drafts):
            if draft.id is None:
                self.tiers.append(ServiceTier.of(draft, position))
            else:
                known[draft.id].change(draft, position)
