"""What an affiliate's prices follow beside its tiers: reading and changing its price list and its add-ons."""

from fastapi import Response

from shared.auth import CurrentActor, InPerson, Visitor
from shared.db import ReadSession, Session
from shared.http import IfMatch, PathId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import prices as commands
from ..domain.price_list import AddOn, PriceList
from ..queries.affiliates import affiliate_for
from ..queries.prices import price_list_of
from ..schemas.prices import AddOnRequest, AddOnView, PriceListRequest, PriceListView

router = new_router("catalog", "prices", "/affiliates/{affiliate_id}")


@router.get("/price-list", response_model=PriceListView)
async def price_list(affiliate_id: PathId, visitor: Visitor, session: ReadSession, response: Response) -> PriceListView:
    """What prices depend on beside the tier: vehicle, condition, add-ons, distance, minimum, tax. Seen by whoever sees
    the affiliate."""
    await affiliate_for(session, visitor, affiliate_id)
    version, rules = await price_list_of(session, affiliate_id)
    tag(response, version)
    response.headers["Vary"] = "Authorization"
    return PriceListView.model_validate(rules | {"version": version})


@router.put("/price-list", response_model=PriceListView, dependencies=[InPerson])
async def revise_price_list(
    affiliate_id: PathId,
    wanted: PriceListRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> PriceList:
    """Replace all of it but the add-ons. Bookings made keep their price."""
    revised = await commands.revise_price_list(session, actor, affiliate_id, version, wanted)
    tag(response, revised.version)
    return revised


@router.post("/add-ons", response_model=AddOnView, status_code=201, dependencies=[InPerson, Idempotent])
async def offer_add_on(
    affiliate_id: PathId, wanted: AddOnRequest, actor: CurrentActor, session: Session, response: Response
) -> AddOn:
    """Offer something to be had with a service. The tag is the price list's: they change together."""
    price_list, add_on = await commands.offer_add_on(session, actor, affiliate_id, wanted)
    tag(response, price_list.version)
    return add_on


@router.put("/add-ons/{add_on_id}", response_model=AddOnView, dependencies=[InPerson])
async def change_add_on(
    affiliate_id: PathId,
    add_on_id: PathId,
    wanted: AddOnRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> AddOn:
    """Replace all that it says; If-Match takes the price list's tag."""
    price_list, add_on = await commands.change_add_on(session, actor, affiliate_id, add_on_id, version, wanted)
    tag(response, price_list.version)
    return add_on


@router.delete("/add-ons/{add_on_id}", status_code=204, dependencies=[InPerson])
async def withdraw_add_on(
    affiliate_id: PathId, add_on_id: PathId, actor: CurrentActor, session: Session, version: IfMatch
) -> None:
    """Offer it no more. Bookings made keep it."""
    await commands.withdraw_add_on(session, actor, affiliate_id, add_on_id, version)
