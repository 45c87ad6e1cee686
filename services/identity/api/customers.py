"""What customers keep here: addresses and vehicles."""

from fastapi import Response

from shared.auth import CurrentCustomer
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import customers as commands
from ..domain.address import Address
from ..domain.vehicle import Vehicle
from ..queries import customers as queries
from ..schemas.customers import AddressRequest, AddressView, VehicleRequest, VehicleView

router = new_router("identity", "customers", "/me")


@router.get("/addresses", response_model=PageView[AddressView])
async def addresses(actor: CurrentCustomer, session: ReadSession, page: CurrentPage) -> Paged[Address]:
    """One's own, in the order in which they were saved."""
    return await queries.addresses_of(session, actor.customer_id, page)


@router.post("/addresses", response_model=AddressView, status_code=201, dependencies=[Idempotent])
async def save_address(wanted: AddressRequest, actor: CurrentCustomer, session: Session, response: Response) -> Address:
    """Save an address, 20 at most. The first is the default."""
    address = await commands.save_address(session, actor, wanted)
    response.headers["Location"] = f"/identity/v1/me/addresses/{address.id}"
    tag(response, address.version)
    return address


@router.get("/addresses/{address_id}", response_model=AddressView)
async def address(address_id: PathId, actor: CurrentCustomer, session: ReadSession, response: Response) -> Address:
    found = await queries.get_address(session, actor.customer_id, address_id)
    tag(response, found.version)
    return found


@router.put("/addresses/{address_id}", response_model=AddressView)
async def change_address(
    address_id: PathId,
    wanted: AddressRequest,
    actor: CurrentCustomer,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Address:
    """Say all of it anew."""
    changed = await commands.change_address(session, actor, address_id, version, wanted)
    tag(response, changed.version)
    return changed


@router.delete("/addresses/{address_id}", status_code=204)
async def delete_address(address_id: PathId, actor: CurrentCustomer, session: Session, version: IfMatch) -> None:
    """If it was the default, the oldest of the others becomes it."""
    await commands.delete_address(session, actor, address_id, version)


@router.get("/vehicles", response_model=PageView[VehicleView])
async def vehicles(actor: CurrentCustomer, session: ReadSession, page: CurrentPage) -> Paged[Vehicle]:
    """One's own, in the order in which they were saved."""
    return await queries.vehicles_of(session, actor.customer_id, page)


@router.post("/vehicles", response_model=VehicleView, status_code=201, dependencies=[Idempotent])
async def save_vehicle(wanted: VehicleRequest, actor: CurrentCustomer, session: Session, response: Response) -> Vehicle:
    """Save a vehicle, 20 at most."""
    vehicle = await commands.save_vehicle(session, actor, wanted)
    response.headers["Location"] = f"/identity/v1/me/vehicles/{vehicle.id}"
    tag(response, vehicle.version)
    return vehicle


@router.get("/vehicles/{vehicle_id}", response_model=VehicleView)
async def vehicle(vehicle_id: PathId, actor: CurrentCustomer, session: ReadSession, response: Response) -> Vehicle:
    found = await queries.get_vehicle(session, actor.customer_id, vehicle_id)
    tag(response, found.version)
    return found


@router.put("/vehicles/{vehicle_id}", response_model=VehicleView)
async def change_vehicle(
    vehicle_id: PathId,
    wanted: VehicleRequest,
    actor: CurrentCustomer,
    session: Session,
    version: IfMatch,
    response: Response,
) -> Vehicle:
    """Say all of it anew."""
    changed = await commands.change_vehicle(session, actor, vehicle_id, version, wanted)
    tag(response, changed.version)
    return changed


@router.delete("/vehicles/{vehicle_id}", status_code=204)
async def delete_vehicle(vehicle_id: PathId, actor: CurrentCustomer, session: Session, version: IfMatch) -> None:
    await commands.delete_vehicle(session, actor, vehicle_id, version)
