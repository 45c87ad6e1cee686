"""Forgetting somebody: refused while there is something left to do, then in every service, with a receipt of each."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.identity.commands.erasures import begin_due_erasures
from services.identity.domain.account import AffiliateUser, User
from services.identity.domain.erasure import Erasure
from services.identity.queries.erasures import forget_past_bookings
from shared.auth import Actor, Role
from shared.clock import now
from shared.contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    BookingEvent,
    BookingHeld,
    ErasurePutOff,
)
from shared.contracts.identity import ErasureAccepted, ErasureRequested, MemberRemoved, UserClosed, UserErased
from shared.contracts.personal import DataErased
from shared.events import CONTRACTS
from shared.outbox import BusinessEvent
from shared.provision import SERVICES
from shared.testing.plugin import Deliver, Headers, Published

from .conftest import PASSWORD, LogIn, problem_of
from .signed import Signed, signed_in

DELAY, LOOK_UP = timedelta(seconds=121), "/identity/v1/erasures/look-up"
Erase = Callable[..., Awaitable[httpx.Response]]
Begin = Callable[..., Awaitable[list[ErasureRequested]]]


@pytest.fixture
async def ada(session: AsyncSession, app: FastAPI, as_: Callable[[Actor], Headers]) -> Signed:
    return await signed_in(session, app, as_, "Ada Marsh")


@pytest.fixture
def erase(ada: Signed, client: httpx.AsyncClient) -> Erase:
    def ask(password: str = PASSWORD, headers: Headers | None = None) -> Awaitable[httpx.Response]:
        return client.post("/identity/v1/me/erasure", json={"password": password}, headers=headers or ada.headers)

    return ask


@pytest.fixture
def hear(session: AsyncSession, deliver: Deliver, published: Published) -> Callable[[], Awaitable[None]]:
    """The broker brings identity what it told itself."""

    async def run() -> None:
        of = select(BusinessEvent.event_id).where(BusinessEvent.type == ErasureAccepted.type)
        ids = (await session.scalars(of.order_by(BusinessEvent.id))).all()
        for event_id, event in zip(ids, await published(ErasureAccepted), strict=True):
            await deliver(event, event_id)

    return run


@pytest.fixture
def begin(session: AsyncSession, published: Published, hear: Callable[[], Awaitable[None]]) -> Begin:
    """What the job does so much later; says what it has asked for by then."""

    async def run(after: timedelta = DELAY, *, heard: bool = True) -> list[ErasureRequested]:
        if heard:
            await hear()
        await begin_due_erasures(session, now() + after, limit=50)
        await session.flush()
        return await published(ErasureRequested)

    return run


def receipt(service: str, asked: ErasureRequested) -> DataErased:
    contract: Any = CONTRACTS[f"{service}.personal_data_erased.v1"]
    of = {"user_id": asked.user_id, "customer_id": asked.customer_id, "version": asked.version}
    told: DataErased = contract(erasure_receipt_id=asked.erasure_id, counts={"things": 3}, **of)
    return told


def told(kind: type[BookingEvent], version: int, customer_id: int, end: datetime, **more: Any) -> BookingEvent:
    status = kind.type.split(".")[1]
    return kind(
        booking_id=1, version=version, customer_id=customer_id, affiliate_id=31, crew_id=1, service_id=41, tier_id=51,
        service_name="Full", tier_name="Gold", status=status, appointment_start=end, appointment_end=end,
        timezone="UTC", address="1 Main St", zip="11201", price_cents=1, commission_cents=0, currency="USD", **more,
    )  # fmt: skip


def held(version: int, customer_id: int, end: datetime) -> BookingEvent:
    return told(BookingHeld, version, customer_id, end, hold_expires_at=now() + timedelta(minutes=10))


def cancelled(version: int, customer_id: int, end: datetime) -> BookingEvent:
    return told(BookingCancelled, version, customer_id, end, refund_cents=0, cancelled_by="customer", reason="")


async def test_the_account_is_closed_at_once_and_the_address_is_free(
    ada: Signed, erase: Erase, log_in: LogIn, client: httpx.AsyncClient, published: Published, session: AsyncSession
) -> None:
    answer = await erase()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (202, "no-store")
    [closed], [accepted] = await published(UserClosed), await published(ErasureAccepted)
    assert (closed.user_id, closed.customer_id) == (ada.user_id, ada.customer_id)
    assert (accepted.secret, accepted.email) == (answer.json()["secret"], ada.email)
    assert (await log_in(email=ada.email)).status_code == 401
    assert (await client.get("/identity/v1/me", headers=ada.headers)).status_code == 401
    again = User(email=ada.email, role=(await session.get_one(User, ada.user_id)).role, full_name="Ada", locale="en",
                 timezone="UTC")  # fmt: skip
    session.add(again)
    await session.flush()


async def test_it_takes_the_password_and_the_person(
    ada: Signed, erase: Erase, as_: Callable[[Actor], Headers], published: Published
) -> None:
    assert problem_of(await erase("another-Gantry-58-sill")) == (403, "wrong-password")
    for actor in (Actor(user_id=ada.user_id, impersonator=2), Actor(user_id=ada.user_id, api_key=3)):
        assert (await erase(headers=as_(actor))).status_code == 403
    assert await published() == []


async def test_services_are_asked_when_no_token_can_be_alive_and_each_gives_a_receipt(
    ada: Signed, erase: Erase, begin: Begin, deliver: Deliver, client: httpx.AsyncClient, published: Published
) -> None:
    secret = (await erase()).json()["secret"]
    shown = partial(client.post, LOOK_UP, json={"token": secret})
    assert await begin(timedelta(seconds=100)) == []
    [asked] = await begin()
    assert (asked.user_id, asked.customer_id) == (ada.user_id, ada.customer_id)
    assert len(await begin()) == 1  # once
    for service in set(SERVICES) - {"identity"}:
        await deliver(receipt(service, asked))
    waiting = (await shown()).json()
    assert (waiting["status"], waiting["missing"], waiting["done_at"]) == ("erasing", ["identity"], None)
    assert await published(UserErased) == []
    await deliver(asked)  # identity's own
    for mine in await published(CONTRACTS["identity.personal_data_erased.v1"]):
        await deliver(mine)
        await deliver(mine)
    done = (await shown()).json()
    assert (done["status"], done["missing"], done["due_at"]) == ("done", [], None)
    assert {r["service"] for r in done["receipts"]} == set(SERVICES)
    [erased] = await published(UserErased)
    assert (erased.user_id, erased.customer_id) == (ada.user_id, ada.customer_id)


async def test_it_waits_until_the_mail_with_the_receipts_link_can_be_sent(
    erase: Erase, begin: Begin, hear: Callable[[], Awaitable[None]], session: AsyncSession
) -> None:
    """The broker was away for longer than the delay."""
    await erase()
    assert await begin(timedelta(hours=5), heard=False) == []
    late = now() - timedelta(hours=5)
    await session.execute(update(Erasure).values(due_at=late, created_at=late - timedelta(seconds=120)))
    session.expire_all()
    await hear()
    assert await begin(timedelta(seconds=50)) == []
    assert len(await begin(timedelta(seconds=61))) == 1


async def test_nothing_of_the_person_is_left_in_identity(
    ada: Signed, erase: Erase, begin: Begin, deliver: Deliver, session: AsyncSession, published: Published
) -> None:
    await erase()
    [asked] = await begin()
    await deliver(asked)
    session.expire_all()
    user = await session.get_one(User, ada.user_id)
    assert (user.full_name, user.password_hash, user.email) == ("", "", f"erased-{ada.user_id}@mdh.invalid")
    assert [event.email for event in await published(UserClosed)] == [""]


async def test_whoever_does_not_answer_for_a_day_is_asked_again_and_the_first_receipt_counts(
    erase: Erase, begin: Begin, deliver: Deliver, client: httpx.AsyncClient
) -> None:
    shown = partial(client.post, LOOK_UP, json={"token": (await erase()).json()["secret"]})
    [first] = await begin()
    await deliver(receipt("booking", first))
    second = (await begin(timedelta(hours=25)))[-1]
    assert second.version > first.version
    again = receipt("booking", second)
    await deliver(again.model_copy(update={"counts": {"things": 0}}))
    [kept] = (await shown()).json()["receipts"]
    assert kept["counts"] == {"things": 3}


@pytest.mark.parametrize(
    ("events", "refused"),
    [
        ([(held, 1)], True),
        ([(held, 1), (BookingConfirmed, 2)], True),
        ([(BookingConfirmed, 2), (held, 1)], True),
        ([(held, 1), (cancelled, 2)], False),
        ([(cancelled, 2), (held, 1)], False),
        ([(held, 1), (BookingConfirmed, 2), (BookingCompleted, 3), (BookingConfirmed, 2)], False),
    ],
)
async def test_a_live_booking_is_a_reason_to_refuse_whatever_order_its_news_come_in(
    ada: Signed, erase: Erase, deliver: Deliver, events: list[tuple[Any, int]], refused: bool
) -> None:
    end = now() + timedelta(days=3)
    for make, version in events:
        args = (version, ada.customer_id, end)
        await deliver(told(make, *args) if isinstance(make, type) else make(*args))
    answer = await erase()
    assert problem_of(answer) == (409, "booking-live") if refused else answer.status_code == 202


async def test_bookings_of_others_and_those_that_are_over_are_none(
    ada: Signed, erase: Erase, deliver: Deliver, session: AsyncSession
) -> None:
    await deliver(told(BookingConfirmed, 2, ada.customer_id + 1, now() + timedelta(days=3)))
    await deliver(
        told(BookingConfirmed, 2, ada.customer_id, now() - timedelta(hours=1)).model_copy(update={"booking_id": 2})
    )
    await forget_past_bookings(session, now())
    assert (await erase()).status_code == 202


async def test_a_booking_that_became_live_in_between_is_waited_for(
    ada: Signed, erase: Erase, begin: Begin, deliver: Deliver, client: httpx.AsyncClient
) -> None:
    shown = partial(client.post, LOOK_UP, json={"token": (await erase()).json()["secret"]})
    end = now() + timedelta(days=3)
    await deliver(told(BookingConfirmed, 2, ada.customer_id, end))
    assert await begin() == []
    await deliver(cancelled(3, ada.customer_id, end))
    [asked] = await begin()
    # and one that only booking knows of
    put_off = ErasurePutOff(
        erasure_receipt_id=asked.erasure_id, version=asked.version, customer_id=ada.customer_id, until=end
    )
    await deliver(put_off)
    state = (await shown()).json()
    assert state["status"] == "waiting"
    assert datetime.fromisoformat(state["booking_live_until"]) == end
    assert len(await begin(timedelta(minutes=30))) == 1
    assert len(await begin(timedelta(hours=2))) == 2
    await deliver(put_off)  # late: it was asked again since
    assert (await shown()).json()["status"] == "erasing"


async def test_the_last_owner_of_an_affiliate_hands_it_over_first(
    ada: Signed, erase: Erase, session: AsyncSession, published: Published
) -> None:
    mine = AffiliateUser(affiliate_id=31, user_id=ada.user_id, role=Role.OWNER)
    session.add(mine)
    await session.flush()
    assert problem_of(await erase()) == (409, "still-owner")
    session.add(AffiliateUser(affiliate_id=31, user_id=await _another(session), role=Role.OWNER))
    await session.flush()
    assert (await erase()).status_code == 202
    [removed] = await published(MemberRemoved)
    assert (removed.user_id, removed.affiliate_id) == (ada.user_id, 31)


async def _another(session: AsyncSession) -> int:
    role = (await session.scalars(select(User.role).limit(1))).one()
    user = User(email="heir@example.com", role=role, full_name="Heir", locale="en-US", timezone="UTC")
    session.add(user)
    await session.flush()
    return user.id


async def test_an_erasure_is_seen_by_its_secret_alone(
    erase: Erase, client: httpx.AsyncClient, session: AsyncSession
) -> None:
    secret = (await erase()).json()["secret"]
    assert problem_of(await client.post(LOOK_UP, json={"token": "x" * 43})) == (404, "no-such-erasure")
    answer = await client.post(LOOK_UP, json={"token": secret})
    assert answer.headers["Cache-Control"] == "no-store"
    assert secret.encode() not in (await session.scalars(select(Erasure.secret_hash))).one()
    assert datetime.fromisoformat(answer.json()["due_at"]) > datetime.now(UTC)


async def test_the_link_of_the_mail_leads_to_a_page_that_shows_how_it_stands(
    erase: Erase, begin: Begin, deliver: Deliver, client: httpx.AsyncClient
) -> None:
    page, secret = "/identity/v1/pages/erasure", (await erase()).json()["secret"]
    [asked] = await begin()
    waiting = await client.get(page, params={"token": secret})
    assert (waiting.status_code, waiting.headers["cache-control"]) == (200, "no-store")
    assert "No receipt yet of: identity, catalog" in waiting.text
    for service in SERVICES:
        await deliver(receipt(service, asked))
    assert "It is done" in (await client.get(page, params={"token": secret})).text
    for token in ("x" * 43, "", "<b>"):
        answer = await client.get(page, params={"token": token})
        assert (answer.status_code, "There is no such erasure" in answer.text) == (404, True)
