"""What is left of an affiliate, and of an application, when the one who applied is erased."""

from collections.abc import Callable

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.catalog.domain.affiliate import Affiliate
from shared.auth import Actor
from shared.contracts.catalog import AffiliateRejected
from shared.contracts.identity import ErasureRequested
from shared.idempotency import IdempotencyKey
from shared.testing.plugin import Deliver, Headers, Published
from shared.testing.tokens import ADMIN

from .conftest import OWNER, Made

As = Callable[[Actor], Headers]


async def test_an_application_that_nobody_has_decided_is_rejected_and_says_nothing_any_more(
    applied: Made, deliver: Deliver, session: AsyncSession, published: Published
) -> None:
    await applied()
    other = await applied(Actor(user_id=501), name="Other")
    for version in (2, 3):
        await deliver(ErasureRequested(erasure_id=1, version=version, user_id=500))
    session.expire_all()
    row = (await session.scalars(select(Affiliate).where(Affiliate.owner_user_id == 500))).one()
    assert (row.application_status, row.rejection_reason) == ("rejected", None)
    assert (row.name, row.email, row.phone, row.street) == ("(erased)", "erased@mdh.invalid", None, None)
    [told] = await published(AffiliateRejected)
    assert (told.affiliate_id, told.version, told.application_status) == (row.id, 2, "rejected")
    assert (await session.get_one(Affiliate, other["id"])).email == "hello@shine.example"


async def test_an_affiliate_that_was_approved_is_a_business_and_stays(
    approved: Made, deliver: Deliver, session: AsyncSession
) -> None:
    shop = await approved()
    await deliver(ErasureRequested(erasure_id=1, version=2, user_id=500))
    session.expire_all()
    row = await session.get_one(Affiliate, shop["id"])
    assert (row.application_status, row.email) == ("approved", "hello@shine.example")


async def test_what_was_answered_to_staff_about_it_goes_too(
    client: httpx.AsyncClient, as_: As, applied: Made, deliver: Deliver, session: AsyncSession
) -> None:
    for owner in (OWNER, Actor(user_id=501)):
        path = f"/catalog/v1/affiliates/{(await applied(owner, name=f'No {owner.user_id}'))['id']}/reject"
        headers = as_(ADMIN) | {"Idempotency-Key": str(owner.user_id)}
        assert (await client.post(path, json={"reason": "no"}, headers=headers)).status_code == 200
    await deliver(ErasureRequested(erasure_id=1, version=2, user_id=500))
    assert list(await session.scalars(select(IdempotencyKey.key))) == ["501"]
