"""What an affiliate's prices follow beside its tiers: one price list with its add-ons, which change together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypeVar

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared import pricing
from shared.db import Aggregate, Keyed, Timestamped, words
from shared.errors import Conflict, NotFound
from shared.vehicles import Condition, SizeClass

from . import Base, SoftDeleted

ADD_ON_CATEGORY_EXISTS = "fk_add_on_categories_category"
MIN_MULTIPLIER_BP, MAX_MULTIPLIER_BP = 5_000, 50_000
MAX_DISTANCE_M = 200_000
MAX_TAX_PPM = 300_000
MAX_FEE_CENTS = 1_000_000
MAX_ADD_ONS = 50
MAX_ADD_ONS_EVER = 500  # events carry those no longer offered, too

R = TypeVar("R", bound=Base)


class NoSuchAddOn(NotFound):
    """There is no such add-on."""


class TooManyAddOns(Conflict):
    """An affiliate offers at most 50 add-ons, and 500 in all its time. Change one instead."""


class SizeMultiplier(Timestamped, Base, kw_only=True):
    __tablename__ = "size_multipliers"

    price_list_id: Mapped[int] = mapped_column(ForeignKey("price_lists.id"), primary_key=True, init=False)
    size_class: Mapped[SizeClass] = mapped_column(words(SizeClass), primary_key=True)
    multiplier_bp: Mapped[int]


class ConditionMultiplier(Timestamped, Base, kw_only=True):
    __tablename__ = "condition_multipliers"

    price_list_id: Mapped[int] = mapped_column(ForeignKey("price_lists.id"), primary_key=True, init=False)
    condition: Mapped[Condition] = mapped_column(words(Condition), primary_key=True)
    multiplier_bp: Mapped[int]


class TravelBand(Timestamped, Base, kw_only=True):
    __tablename__ = "travel_bands"

    price_list_id: Mapped[int] = mapped_column(ForeignKey("price_lists.id"), primary_key=True, init=False)
    up_to_m: Mapped[int] = mapped_column(primary_key=True)
    fee_cents: Mapped[int]


@dataclass(frozen=True, slots=True)
class AddOnDraft:
    """An add-on as its affiliate wants it. Of no category: offered with all."""

    name: str
    price_cents: int
    duration_minutes: int
    categories: list[str]
    active: bool
    position: int


class AddOnCategory(Base, kw_only=True):
    __tablename__ = "add_on_categories"

    add_on_id: Mapped[int] = mapped_column(ForeignKey("add_ons.id"), primary_key=True, init=False)
    category: Mapped[str] = mapped_column(primary_key=True)


class AddOn(Keyed, Timestamped, SoftDeleted, Base, kw_only=True):
    """Its version is the price list's."""

    __tablename__ = "add_ons"

    price_list_id: Mapped[int] = mapped_column(ForeignKey("price_lists.id"), init=False)
    name: Mapped[str]
    price_cents: Mapped[int]
    duration_minutes: Mapped[int]
    position: Mapped[int]
    active: Mapped[bool]
    within: Mapped[list[AddOnCategory]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by=AddOnCategory.category
    )

    @classmethod
    def of(cls, draft: AddOnDraft) -> Self:
        add_on = cls(name="", price_cents=0, duration_minutes=0, position=0, active=True, within=[])
        add_on.change(draft)
        return add_on

    @property
    def add_on_id(self) -> int:
        return self.id

    @property
    def categories(self) -> list[str]:
        return [entry.category for entry in self.within]

    def change(self, draft: AddOnDraft) -> None:
        self.name, self.price_cents, self.duration_minutes = draft.name, draft.price_cents, draft.duration_minutes
        self.active, self.position = draft.active, draft.position
        known = {entry.category: entry for entry in self.within}
        self.within = [known.get(slug) or AddOnCategory(category=slug) for slug in sorted(set(draft.categories))]

    def as_told(self) -> pricing.AddOn:
        """One that was removed is told as inactive."""
        told = pricing.AddOn.model_validate(self)
        return told if self.deleted_at is None else told.model_copy(update={"active": False})


class PriceList(Aggregate, Base, kw_only=True):
    """An affiliate's; as long as it has none, everything is as `shared.pricing.PriceList` is by default."""

    __tablename__ = "price_lists"

    affiliate_id: Mapped[int] = mapped_column(ForeignKey("affiliates.id"))
    minimum_cents: Mapped[int] = mapped_column(default=pricing.MIN_PRICE_CENTS)
    tax_ppm: Mapped[int] = mapped_column(default=0)
    sizes: Mapped[list[SizeMultiplier]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by=SizeMultiplier.size_class
    )
    conditions: Mapped[list[ConditionMultiplier]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by=ConditionMultiplier.condition
    )
    travel_bands: Mapped[list[TravelBand]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by=TravelBand.up_to_m
    )
    every_add_on: Mapped[list[AddOn]] = relationship(lazy="selectin", order_by=AddOn.id)

    @classmethod
    def new(cls, affiliate_id: int) -> Self:
        """Nothing was told of it: its first change makes version 1."""
        price_list = cls(affiliate_id=affiliate_id, sizes=[], conditions=[], travel_bands=[], every_add_on=[])
        price_list.version = 0
        return price_list

    @property
    def add_ons(self) -> list[pricing.AddOn]:
        """As others know them, in the affiliate's order."""
        return [add_on.as_told() for add_on in sorted(self.every_add_on, key=_place)]

    @property
    def current_add_ons(self) -> list[AddOn]:
        """Those not removed, in the affiliate's order."""
        return sorted((a for a in self.every_add_on if a.deleted_at is None), key=_place)

    @property
    def rules(self) -> pricing.PriceList:
        return pricing.PriceList.model_validate(self)

    def revise(self, wanted: pricing.PriceList) -> None:
        """Replace all but the add-ons."""
        self.minimum_cents, self.tax_ppm = wanted.minimum_cents, wanted.tax_ppm
        self.sizes = _kept(self.sizes, SizeMultiplier, wanted.sizes, "size_class", "multiplier_bp")
        self.conditions = _kept(self.conditions, ConditionMultiplier, wanted.conditions, "condition", "multiplier_bp")
        self.travel_bands = _kept(self.travel_bands, TravelBand, wanted.travel_bands, "up_to_m", "fee_cents")
        self.version += 1

    def offer(self, draft: AddOnDraft) -> AddOn:
        if len(self.current_add_ons) >= MAX_ADD_ONS or len(self.every_add_on) >= MAX_ADD_ONS_EVER:
            raise TooManyAddOns
        add_on = AddOn.of(draft)
        self.every_add_on.append(add_on)
        self.version += 1
        return add_on

    def change(self, add_on_id: int, draft: AddOnDraft) -> AddOn:
        add_on = self._current(add_on_id)
        add_on.change(draft)
        self.version += 1
        return add_on

    def withdraw(self, add_on_id: int, at: datetime) -> None:
        self._current(add_on_id).deleted_at = at
        self.version += 1

    def _current(self, add_on_id: int) -> AddOn:
        for add_on in self.current_add_ons:
            if add_on.id == add_on_id:
                return add_on
        raise NoSuchAddOn


def _place(add_on: AddOn) -> tuple[int, int]:
    return add_on.position, add_on.id


def _kept(rows: Sequence[R], kind: type[R], wanted: Sequence[pricing.Part], key: str, value: str) -> list[R]:
    """The rows as they are wanted, by their key; one that was there stays itself."""
    known = {getattr(row, key): row for row in rows}
    for entry in wanted:
        if row := known.get(getattr(entry, key)):
            setattr(row, value, getattr(entry, value))
    ordered = sorted(wanted, key=lambda entry: getattr(entry, key))
    return [known.get(getattr(entry, key)) or kind(**dict(entry)) for entry in ordered]
