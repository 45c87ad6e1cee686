"""What an affiliate offers: services, each with tiers that have a price and a duration."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.db import Aggregate
from shared.errors import Conflict, NotFound, Unprocessable

from . import Base, SoftDeleted
from .photo import ServicePhoto
from .tier import ServiceTier, TierDraft

MAX_TIERS = 20
MAX_TIERS_EVER = 200  # events carry removed tiers too, so that no consumer goes on offering one
MAX_SERVICES = 100


class NoSuchService(NotFound):
    """There is no such service, or it is not yours to see."""


class NoSuchTier(NotFound):
    """This service has no such tier."""


class UnknownTier(Unprocessable):
    """A tier is named by an id that this service does not have, or by the same id twice."""


class TooManyTiers(Conflict):
    """This service has replaced too many tiers. Send tiers with their ids to change them, or make a new service."""


class TooManyServices(Conflict):
    """An affiliate offers at most 100 services. Delete one first."""


class Service(Aggregate, SoftDeleted, Base, kw_only=True):
    """A service with all its tiers, removed ones included."""

    __tablename__ = "services"

    affiliate_id: Mapped[int] = mapped_column(ForeignKey("affiliates.id"))
    category: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)
    tiers: Mapped[list[ServiceTier]] = relationship(
        default_factory=list, init=False, lazy="selectin", order_by=ServiceTier.id
    )
    photos: Mapped[list[ServicePhoto]] = relationship(
        default_factory=list, init=False, lazy="selectin", cascade="all, delete-orphan", order_by=ServicePhoto.position
    )

    @classmethod
    def publish(
        cls,
        affiliate_id: int,
        category: str,
        name: str,
        description: str,
        tiers: Sequence[TierDraft],
        *,
        active: bool,
        position: int = 0,
        photo_urls: Sequence[str] = (),
    ) -> Self:
        service = cls(
            affiliate_id=affiliate_id,
            category=category,
            name=name,
            description=description,
            active=active,
            position=position,
        )
        service._hang(photo_urls)
        if any(draft.id is not None for draft in tiers):
            raise UnknownTier
        service.tiers = [ServiceTier.of(draft, position) for position, draft in enumerate(tiers)]
        return service

    @property
    def photo_urls(self) -> list[str]:
        return [photo.url for photo in self.photos]

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

    @property
    def drafts(self) -> list[TierDraft]:
        """What would leave its tiers as they are."""
        return [tier.draft for tier in self.current_tiers]

    def revise(
        self,
        category: str,
        name: str,
        description: str,
        tiers: Sequence[TierDraft],
        *,
        active: bool,
        at: datetime,
    ) -> bool:
        """Replace all that it says. Tiers sent with their id stay themselves; those not sent are removed. Says whether
        anything changed."""
        said = (self.category, self.name, self.description, self.active)
        if (category, name, description, active) == said and list(tiers) == self.drafts:
            return False
        self._retier(tiers, at)
        self.category, self.name, self.description, self.active = category, name, description, active
        self.version += 1
        return True

    def switch(self, *, active: bool) -> bool:
        """Offer it, or not at present. Says whether that is news."""
        if active == self.active:
            return False
        self.active = active
        self.version += 1
        return True

    def switch_tier(self, tier_id: int, *, active: bool) -> bool:
        tier = next((tier for tier in self.current_tiers if tier.id == tier_id), None)
        if tier is None:
            raise NoSuchTier
        if active == tier.active:
            return False
        tier.active = active
        self.version += 1
        return True

    def show(self, urls: Sequence[str]) -> bool:
        """These photos, in this order, instead of those that it has. Says whether that is news."""
        if list(urls) == self.photo_urls:
            return False
        self._hang(urls)
        self.version += 1
        return True

    def move(self, position: int) -> bool:
        if position == self.position:
            return False
        self.position = position
        self.version += 1
        return True

    def withdraw(self, at: datetime) -> None:
        self.deleted_at = at
        for tier in self.current_tiers:
            tier.deleted_at = at
        self.version += 1

    def _hang(self, urls: Sequence[str]) -> None:
        """A photo's place stays its own: the database lets no two have one, not even for a moment."""
        for photo, url in zip(self.photos, urls, strict=False):
            photo.url = url
        new = [ServicePhoto(position=at, url=url) for at, url in enumerate(urls) if at >= len(self.photos)]
        self.photos = [*self.photos[: len(urls)], *new]

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
