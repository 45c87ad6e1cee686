"""What customers keep: where they want somebody to come to, and what is to be cleaned there."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.clock import now
from shared.places import place_of

from ..domain import address as addresses
from ..domain import vehicle as vehicles
from ..domain.address import Address
from ..domain.vehicle import Vehicle
from ..queries.customers import all_addresses_of, get_vehicle, lock_customer, number_of_vehicles
from ..schemas.customers import AddressRequest, VehicleRequest


async def save_address(session: AsyncSession, actor: Actor, wanted: AddressRequest) -> Address:
    """The first one is the default, whatever is wanted."""
    place = place_of(wanted.zip)
    customer_id = await lock_customer(session, actor.customer_id)
    others = await all_addresses_of(session, customer_id)
    addresses.must_have_room(others)
    at = {name: getattr(place, name) for name in ("city", "state", "latitude", "longitude")}
    address = Address(customer_id=customer_id, **wanted.model_dump(exclude={"is_default"}), **at)
    if wanted.is_default or not others:
        await _prefer_none(session, others)
        address.is_default = True
    session.add(address)
    await session.flush()
    return address


async def change_address(
    session: AsyncSession, actor: Actor, address_id: int, version: int | None, wanted: AddressRequest
) -> Address:
    """The default stays it until another becomes it."""
    place = place_of(wanted.zip)
    mine = await all_addresses_of(session, await lock_customer(session, actor.customer_id))
    address = addresses.of_id(mine, address_id)
    address.expect(version)
    if wanted.is_default and not address.is_default:
        await _prefer_none(session, mine)
        address.is_default = True
    _set(address, wanted.model_dump(exclude={"is_default", "zip"}))
    address.move(place)
    await session.flush()  # so that the answer has the new `updated_at`
    return address


async def delete_address(session: AsyncSession, actor: Actor, address_id: int, version: int | None) -> None:
    """If it was the default, the oldest other becomes it."""
    mine = await all_addresses_of(session, await lock_customer(session, actor.customer_id))
    address = addresses.of_id(mine, address_id)
    address.expect(version)
    await session.delete(address)
    await session.flush()
    others = [other for other in mine if other is not address]
    if address.is_default and others:
        others[0].prefer(True)


async def _prefer_none(session: AsyncSession, mine: Sequence[Address]) -> None:
    """At once: there is never a second default, not even within a transaction."""
    if any(address.prefer(False) for address in mine):
        await session.flush()


async def save_vehicle(session: AsyncSession, actor: Actor, wanted: VehicleRequest) -> Vehicle:
    vehicles.must_be_built(wanted.year, now())
    customer_id = await lock_customer(session, actor.customer_id)
    vehicles.must_have_room(await number_of_vehicles(session, customer_id))
    vehicle = Vehicle(customer_id=customer_id, **wanted.model_dump())
    session.add(vehicle)
    await session.flush()
    return vehicle


async def change_vehicle(
    session: AsyncSession, actor: Actor, vehicle_id: int, version: int | None, wanted: VehicleRequest
) -> Vehicle:
    vehicles.must_be_built(wanted.year, now())
    vehicle = await get_vehicle(session, actor.customer_id, vehicle_id)
    vehicle.expect(version)
    _set(vehicle, wanted.model_dump())
    await session.flush()  # so that the answer has the new `updated_at`
    return vehicle


async def delete_vehicle(session: AsyncSession, actor: Actor, vehicle_id: int, version: int | None) -> None:
    vehicle = await get_vehicle(session, actor.customer_id, vehicle_id)
    vehicle.expect(version)
    vehicle.delete(now())


def _set(kept: Address | Vehicle, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(kept, name, value)
    kept.version += 1
