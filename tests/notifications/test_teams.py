"""Teams as notifications knows them: who is told, who no longer, and the mail that asks somebody in."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.domain.people import Contact
from shared.contracts.catalog import AffiliateApplied
from shared.contracts.identity import (
    MemberAdded,
    MemberChanged,
    MemberEvent,
    MemberRemoved,
    UserChanged,
)
from shared.contracts.reviews import ReviewPosted
from shared.events import Event
from shared.ids import new_id
from shared.testing.plugin import Deliver
from tests.mail.process import Catcher
from tests.notifications.conftest import (
    AFFILIATE,
    CUSTOMER_USER,
    OWNER_USER,
    SECRET,
    Office,
    affiliate,
    invitation,
    owner,
    person,
    told,
)

M = TypeVar("M", bound=MemberEvent)
KIM = 501
REVIEWED = ReviewPosted(review_id=81, version=1, booking_id=61, affiliate_id=AFFILIATE, customer_id=7, rating=4)
EVERYONE: list[Event] = [owner(), owner(user_id=KIM), affiliate(AffiliateApplied, 1, "pending")]


def place(kind: type[M], version: int, role: str, user_id: int = OWNER_USER) -> M:
    values: dict[str, Any] = {
        "affiliate_user_id": user_id, "version": version, "affiliate_id": AFFILIATE, "user_id": user_id, "role": role,
    }  # fmt: skip
    if kind is not MemberAdded:
        values["tokens_end_at"] = datetime(2026, 11, 25, tzinfo=UTC)
    return kind(**values)


OWNS = place(MemberAdded, 1, "owner")
MANAGES = place(MemberChanged, 2, "manager")
GONE = place(MemberRemoved, 3, "owner")
LEFT = [place(MemberAdded, 1, "technician"), place(MemberChanged, 2, "owner"), GONE]
KIM_WORKS = place(MemberAdded, 1, "technician", KIM)
KIM_OWNS = place(MemberChanged, 2, "owner", KIM)


async def deliver_all(deliver: Deliver, *events: Event) -> None:
    for event in events:
        await deliver(event)


async def test_after_a_hand_over_the_new_owner_is_told_and_the_old_no_longer(
    deliver: Deliver, session: AsyncSession
) -> None:
    """Though catalog goes on naming whoever applied."""
    await deliver_all(deliver, *EVERYONE, OWNS, KIM_WORKS, KIM_OWNS, MANAGES, REVIEWED)
    assert await told(session) == [("review_posted", KIM)]


async def test_until_identity_says_otherwise_whoever_applied_is_told(deliver: Deliver, session: AsyncSession) -> None:
    await deliver_all(deliver, *EVERYONE, REVIEWED)
    assert await told(session) == [("review_posted", OWNER_USER)]


@pytest.mark.parametrize("order", list(itertools.permutations(LEFT)))
async def test_who_has_left_is_not_told_in_whatever_order_that_was_heard(
    deliver: Deliver, session: AsyncSession, order: tuple[Event, ...]
) -> None:
    await deliver_all(deliver, *EVERYONE, KIM_OWNS, *order, *order, REVIEWED)
    assert await told(session) == [("review_posted", KIM)]


async def test_a_removal_told_twice_is_one(deliver: Deliver, session: AsyncSession) -> None:
    id = new_id()
    for _ in range(2):
        await deliver(GONE, id)
    await deliver_all(deliver, *EVERYONE, KIM_OWNS, REVIEWED)
    assert await told(session) == [("review_posted", KIM)]


async def test_who_comes_back_as_an_owner_is_told_again(deliver: Deliver, session: AsyncSession) -> None:
    await deliver_all(deliver, *EVERYONE, KIM_OWNS, GONE, place(MemberAdded, 4, "owner"), REVIEWED)
    assert await told(session) == [("review_posted", OWNER_USER), ("review_posted", KIM)]


async def test_a_notice_that_nobody_could_be_told_waits_for_the_next_owner(
    deliver: Deliver, session: AsyncSession
) -> None:
    await deliver_all(deliver, owner(user_id=KIM), REVIEWED, KIM_WORKS)
    assert await told(session) == []
    await deliver_all(deliver, KIM_OWNS)
    assert await told(session) == [("review_posted", KIM)]


async def test_a_new_name_language_and_zone_arrive(deliver: Deliver, session: AsyncSession) -> None:
    changed = UserChanged(
        user_id=CUSTOMER_USER, version=2, customer_id=7, email="ada@example.org", full_name="Ada Brook", locale="fr-CA",
        timezone="America/Toronto", phone="+14165550100",
    )  # fmt: skip
    await deliver_all(deliver, changed, person(), changed)
    contact = (await session.scalars(select(Contact))).one()
    assert (contact.full_name, contact.locale, contact.timezone) == ("Ada Brook", "fr-CA", "America/Toronto")


@pytest.mark.parametrize("status", ["submitted", "in_review", "rejected", "on_hold"])
async def test_in_the_name_of_an_affiliate_that_nobody_has_approved_no_mail_goes_out(
    office: Office, status: str
) -> None:
    """Whoever applies chooses the name, and would be saying anything to anybody by us."""
    await office.deliver(affiliate(AffiliateApplied, 1, status, name="Your payment failed, call us"))
    await office.deliver(invitation())
    told = await office.only()
    assert told.subject == "A detailer invites you to its team"
    assert "payment" not in told.content


async def test_who_is_invited_gets_one_mail_with_the_link(office: Office, catcher: Catcher) -> None:
    await office.deliver(affiliate())
    id = new_id()
    for event_id in (id, id, new_id()):
        await office.deliver(invitation(), event_id)
    assert await office.work() == 1
    mail = await catcher.mail()
    assert (mail["to"], mail["subject"]) == (["ian@example.org"], "Shine invites you to its team")
    assert f"/accept-invitation?token={SECRET}" in mail["text"]
    assert "as technician" in mail["text"]


async def test_the_secret_is_not_kept_after_the_mail(office: Office) -> None:
    await office.deliver(invitation())
    before = await office.only()
    assert (before.secret, before.to_email) == (SECRET, "ian@example.org")
    assert SECRET not in before.content + before.subject
    await office.work()
    after = await office.only()
    assert (after.status, after.secret, after.to_email) == ("sent", None, None)


async def test_an_invitation_that_has_expired_is_not_mailed(office: Office, catcher: Catcher) -> None:
    await office.deliver(invitation(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    await office.work()
    assert (await office.only()).status == "skipped"


async def test_before_catalog_names_the_affiliate_the_mail_goes_out_without_its_name(office: Office) -> None:
    await office.deliver(invitation())
    assert (await office.only()).subject == "A detailer invites you to its team"
