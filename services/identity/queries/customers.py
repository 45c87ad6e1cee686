"""Reading what customers keep here."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.errors import Unauthenticated
from shared.http import Page, Paged

from ..domain.account import Customer
from ..domain.address import Address, NoSuchAddress
from ..domain.consent import ConsentChange, MarketingConsent
from ..domain.vehicle import NoSuchVehicle, Vehicle


async def lock_customer(session: AsyncSession, customer_id: int | None) -> int:
    """Whoever else changes what this customer keeps waits; `Unauthenticated` if the account is closed."""
    open_one = select(Customer.id).where(Customer.id == customer_id, Customer.deleted_at.is_(None))
    found = await session.scalar(open_one.with_for_update(key_share=True))
    if found is None:
        raise Unauthenticated
    return found


async def addresses_of(session: AsyncSession, customer_id: int | None, page: Page) -> Paged[Address]:
    of = select(Address).where(Address.customer_id == customer_id)
    return await page.of(session, of, Address.created_at, Address.id)


async def all_addresses_of(session: AsyncSession, customer_id: int) -> Sequence[Address]:
    """Oldest first; there are few."""
    of = select(Address).where(Address.customer_id == customer_id)
    return (await session.scalars(of.order_by(Address.created_at, Address.id))).all()


async def get_address(session: AsyncSession, customer_id: int | None, address_id: int) -> Address:
    own = select(Address).where(Address.id == address_id, Address.customer_id == customer_id)
    address = await session.scalar(own)
    if address is None:
        raise NoSuchAddress
    return address


async def vehicles_of(session: AsyncSession, customer_id: int | None, page: Page) -> Paged[Vehicle]:
    of = select(Vehicle).where(Vehicle.customer_id == customer_id, Vehicle.deleted_at.is_(None))
    return await page.of(session, of, Vehicle.created_at, Vehicle.id)


async def number_of_vehicles(session: AsyncSession, customer_id: int) -> int:
    of = select(func.count()).where(Vehicle.customer_id == customer_id, Vehicle.deleted_at.is_(None))
    return await session.scalar(of) or 0


async def get_vehicle(session: AsyncSession, customer_id: int | None, vehicle_id: int) -> Vehicle:
    own = (Vehicle.id == vehicle_id) & (Vehicle.customer_id == customer_id) & Vehicle.deleted_at.is_(None)
    vehicle = await session.scalar(select(Vehicle).where(own))
    if vehicle is None:
        raise NoSuchVehicle
    return vehicle


async def consent_of(session: AsyncSession, customer_id: int | None) -> MarketingConsent:
    """What was said, or that nothing was."""
    assert customer_id is not None
    found = await session.scalar(select(MarketingConsent).where(MarketingConsent.customer_id == customer_id))
    return found or MarketingConsent.unasked(customer_id)


async def consent_changes_of(session: AsyncSession, customer_id: int | None, page: Page) -> Paged[ConsentChange]:
    of = select(ConsentChange).where(ConsentChange.customer_id == customer_id)
    return await page.of(session, of, ConsentChange.created_at, ConsentChange.id, descending=True)
