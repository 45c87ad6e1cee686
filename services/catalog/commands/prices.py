"""What happens to an affiliate's price list and its add-ons: they change together."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import pricing
from shared.auth import Actor
from shared.clock import now
from shared.contracts.catalog import PriceListChanged
from shared.db import enforced_by
from shared.outbox import record

from ..domain.category import UnknownCategory
from ..domain.price_list import ADD_ON_CATEGORY_EXISTS, AddOn, PriceList
from ..queries.affiliates import affiliate_for
from ..queries.prices import price_list_to_change
from ..schemas.prices import AddOnRequest, PriceListRequest


async def revise_price_list(
    session: AsyncSession, actor: Actor, affiliate_id: int, version: int | None, wanted: PriceListRequest
) -> PriceList:
    price_list = await _load(session, actor, affiliate_id, version)
    price_list.revise(pricing.PriceList.model_validate(wanted))
    await _tell(session, price_list)
    return price_list


async def offer_add_on(
    session: AsyncSession, actor: Actor, affiliate_id: int, wanted: AddOnRequest
) -> tuple[PriceList, AddOn]:
    price_list = await _load(session, actor, affiliate_id, None)
    add_on = price_list.offer(wanted.draft())
    await _tell(session, price_list)
    return price_list, add_on


async def change_add_on(
    session: AsyncSession, actor: Actor, affiliate_id: int, add_on_id: int, version: int | None, wanted: AddOnRequest
) -> tuple[PriceList, AddOn]:
    price_list = await _load(session, actor, affiliate_id, version)
    add_on = price_list.change(add_on_id, wanted.draft())
    await _tell(session, price_list)
    return price_list, add_on


async def withdraw_add_on(
    session: AsyncSession, actor: Actor, affiliate_id: int, add_on_id: int, version: int | None
) -> None:
    price_list = await _load(session, actor, affiliate_id, version)
    price_list.withdraw(add_on_id, now())
    await _tell(session, price_list)


async def _load(session: AsyncSession, actor: Actor, affiliate_id: int, version: int | None) -> PriceList:
    """To change it: behind the affiliate's lock, and only for those who run it."""
    affiliate = await affiliate_for(session, actor, affiliate_id, lock=True)
    affiliate.must_be_run_by(actor)
    price_list = await price_list_to_change(session, affiliate_id)
    price_list.expect(version)
    return price_list


async def _tell(session: AsyncSession, price_list: PriceList) -> None:
    """Stored first, because the event names the ids of what is new."""
    session.add(price_list)
    with enforced_by(ADD_ON_CATEGORY_EXISTS, UnknownCategory):
        await session.flush()
    record(session, PriceListChanged.of(price_list))
