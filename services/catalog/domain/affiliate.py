"""An affiliate: a mobile detailer's business, from its application on."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import Numeric
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.auth import Actor, Role
from shared.db import Aggregate, words
from shared.errors import Conflict, Forbidden, NotFound, Unprocessable
from shared.places import Place

from . import Base, SoftDeleted
from .onboarding import AffiliateIsClosed, ApplicationStatus, Party, Step, after
from .service_area import ServiceAreaZip, must_lead_somewhere

ONE_OPEN_APPLICATION = "affiliates_one_open_application"
SLUG_UNIQUE = "uq_affiliates_slug"


class PayoutStatus(StrEnum):
    """Whether its owner has given payments' provider all that it asks for."""

    PENDING = "pending"
    RESTRICTED = "restricted"
    COMPLETE = "complete"


class NoSuchAffiliate(NotFound):
    """There is no such affiliate, or it is not yours to see."""


class NotYourAffiliate(Forbidden):
    """Only the affiliate's owner and managers can change this."""


class ForTheTeam(Forbidden):
    """Only the affiliate's team and the platform's staff can read this."""


class NotYoursToClose(Forbidden):
    """Only an owner of the affiliate can close it."""


class ApplicationPending(Conflict):
    """An earlier application of yours has not been decided yet."""


class InsuranceExpired(Unprocessable):
    """This insurance is over already."""


class Affiliate(Aggregate, SoftDeleted, Base, kw_only=True):
    """A business that comes to its customers, as far as `service_radius_m` metres from its zip code's centroid, and to
    the zip codes of its area.

    `status_reason` says why it was rejected or suspended, or what is to be mended (its column has the name of before).
    `applied_by` stays, whoever owns it later. `approved_at` is of its last approval: without, it is an application, no
    business. `rating` is in stars, None until the first review; `rating_version` is the version of reviews' fact that
    it is from.
    """

    __tablename__ = "affiliates"

    owner_user_id: Mapped[int]
    name: Mapped[str]
    slug: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str | None]
    street: Mapped[str | None]
    city: Mapped[str]
    state: Mapped[str]
    zip: Mapped[str]
    latitude: Mapped[float]
    longitude: Mapped[float]
    timezone: Mapped[str]
    service_radius_m: Mapped[int]
    application_status: Mapped[ApplicationStatus] = mapped_column(
        words(ApplicationStatus), default=ApplicationStatus.SUBMITTED
    )
    status_reason: Mapped[str | None] = mapped_column("rejection_reason", default=None)
    applied_by: Mapped[int | None] = mapped_column(init=False, default=None)
    approved_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    rating: Mapped[Decimal | None] = mapped_column(Numeric(3, 2), default=None)
    review_count: Mapped[int] = mapped_column(default=0)
    rating_version: Mapped[int] = mapped_column(default=0)
    payout_status: Mapped[PayoutStatus] = mapped_column(words(PayoutStatus), default=PayoutStatus.PENDING)
    payouts_enabled: Mapped[bool] = mapped_column(default=False)
    payout_version: Mapped[int] = mapped_column(default=0)
    contact_name: Mapped[str | None] = mapped_column(default=None)
    insurer: Mapped[str | None] = mapped_column(default=None)
    insurance_reference: Mapped[str | None] = mapped_column(default=None)
    insurance_expires_on: Mapped[date | None] = mapped_column(default=None)
    affiliate_tier: Mapped[str] = mapped_column(default="standard")
    cancellation_policy: Mapped[str | None] = mapped_column(default=None)
    payment_mode: Mapped[str | None] = mapped_column(default=None)
    area: Mapped[list[ServiceAreaZip]] = relationship(
        default_factory=list, init=False, lazy="selectin", cascade="all, delete-orphan", order_by=ServiceAreaZip.zip
    )

    @classmethod
    def apply(
        cls, owner_user_id: int, slug: str, place: Place, details: Mapping[str, Any], service_zips: Collection[str] = ()
    ) -> Self:
        """`details`: name, email, phone, street, service_radius_m, and whom to ask for, insurance, policy."""
        affiliate = cls(owner_user_id=owner_user_id, slug=slug, **details, **_columns(place))
        affiliate.applied_by = owner_user_id
        affiliate._cover(affiliate.service_radius_m, service_zips)
        return affiliate

    @property
    def is_public(self) -> bool:
        return self.application_status is ApplicationStatus.APPROVED and self.deleted_at is None

    @property
    def rating_hundredths(self) -> int | None:
        return None if self.rating is None else int(self.rating * 100)

    @property
    def service_zips(self) -> list[str]:
        return [named.zip for named in self.area]

    @property
    def rejection_reason(self) -> str | None:
        return self.status_reason if self.application_status is ApplicationStatus.REJECTED else None

    def is_owned_by(self, actor: Actor) -> bool:
        """True from the application on, before the owner's token carries the membership."""
        return actor.user_id is not None and actor.user_id == self.owner_user_id

    def is_known_to(self, actor: Actor) -> bool:
        """Its own people and the platform's staff see all of it."""
        return self.is_owned_by(actor) or actor.works_for(self.id) or actor.is_staff

    def must_be_known_to(self, actor: Actor) -> None:
        if not self.is_known_to(actor):
            raise ForTheTeam

    def may_be_seen_by(self, actor: Actor) -> bool:
        return self.is_public or self.is_known_to(actor)

    def is_run_by(self, actor: Actor) -> bool:
        return self.is_owned_by(actor) or actor.runs(self.id)

    def must_be_run_by(self, actor: Actor) -> None:
        if not self.is_run_by(actor):
            raise NotYourAffiliate
        if self.application_status is ApplicationStatus.CLOSED:
            raise AffiliateIsClosed

    def must_be_owned_by(self, actor: Actor) -> None:
        if not (self.is_owned_by(actor) or actor.works_for(self.id, Role.OWNER)):
            raise NotYoursToClose

    def take(self, step: Step, by: Party, at: datetime, reason: str | None = None) -> None:
        self.application_status = after(step, self.application_status, by)
        self.status_reason = reason
        if step is Step.APPROVE:
            self.approved_at = at
        self.version += 1

    def change(self, details: Mapping[str, Any], place: Place | None) -> None:
        """`details` as in `apply`, those that change; no place: it stays where it is. Links use the slug: it stays."""
        for name, value in {**details, **(_columns(place) if place else {})}.items():
            setattr(self, name, value)
        self.version += 1

    def belong_to(self, owners: Sequence[int]) -> bool:
        """`owner_user_id` is one of its owners, the first if it has to change; says whether it did."""
        if self.owner_user_id in owners:
            return False
        self.owner_user_id = owners[0]
        self.version += 1
        return True

    def count_among(self, tier: str) -> bool:
        """What commission is taken of it may depend on that. Says whether it is news."""
        if tier == self.affiliate_tier:
            return False
        self.affiliate_tier = tier
        self.version += 1
        return True

    def cover(self, radius_m: int, zips: Collection[str]) -> bool:
        """Come to so many metres around, and to these zip codes; `NoServiceArea` if that is nowhere. Says whether that
        is news."""
        if (radius_m, sorted(set(zips))) == (self.service_radius_m, self.service_zips):
            return False
        self._cover(radius_m, zips)
        self.version += 1
        return True

    def rate(self, hundredths: int, review_count: int, version: int) -> bool:
        """Take over what reviews came to, if that is newer than what is known; says whether it was."""
        if version <= self.rating_version:
            return False
        self.rating = Decimal(hundredths) / 100 if review_count else None
        self.review_count, self.rating_version = review_count, version
        self.version += 1
        return True

    def _cover(self, radius_m: int, zips: Collection[str]) -> None:
        must_lead_somewhere(radius_m, zips)
        known = {named.zip: named for named in self.area}
        self.service_radius_m = radius_m
        self.area = [known.get(zip) or ServiceAreaZip(zip=zip) for zip in sorted(set(zips))]


def _columns(place: Place) -> dict[str, Any]:
    return {name: getattr(place, name) for name in Place.__slots__}


def slug_of(name: str) -> str:
    """A name as it stands in a URL: lower case ASCII letters, digits and single hyphens, at most 80."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-") or "affiliate"
