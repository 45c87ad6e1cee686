"""What becomes of some bookings beyond that: cards saved for far visits, money that leaves for affiliates, papers."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, text

from services.payments.commands import tasks
from services.payments.commands.payouts import make_payouts
from services.payments.domain.life import Status
from services.payments.domain.payment import Payment
from services.payments.domain.payout_account import AccountStatus, PayoutAccount
from services.payments.queries.ledger import payable_to
from shared.contracts.catalog import AffiliateApproved
from shared.contracts.identity import UserRegistered
from shared.testing.plugin import deliver_to, until
from tests.booking.conftest import approved
from tests.mail.process import message

from .stage import PATIENCE, Stage
from .story import FAR, PAID, PAYEE, WAYS, WHOLE, Story, Street

AT_ONCE = "pm_card_bypassPending"  # the money can be given away at once
COMES_NEAR = text(
    "update payments set visit_start = now() + interval '1 day', visit_end = now() + interval '25 hours'"
    " where booking_id = :id"
)
LOOKED_AT_LONG_AGO = text("update payout_accounts set payouts_checked_at = now() - interval '2 hours'")
IS_DONE = text("select true from bookings where booking_id = :id and status = 'completed'")
PAPERS = ("Your receipt ", "Your invoice ")
NEWCOMERS = 1_000  # affiliates from there on


async def prepare(street: Street) -> None:
    """Who sells is known by name, so there are papers; the payee has told the provider all that it wants to know."""
    for affiliate_id in WAYS:
        await _known(street.stage, approved(affiliate_id=affiliate_id))
    await _onboarded(street.stage, PAYEE)


async def _known(stage: Stage, affiliate: AffiliateApproved) -> None:
    await deliver_to("payments", stage.databases["payments"])(affiliate)


async def _onboarded(stage: Stage, affiliate_id: int) -> None:
    async def made() -> str | None:
        return (await _account(stage, affiliate_id)).stripe_account_id

    async def is_complete() -> bool:
        return (await _account(stage, affiliate_id)).status is AccountStatus.COMPLETE

    pages = {"return_url": "https://a.example", "refresh_url": "https://a.example"}
    form: Any = {"account": await until(made, PATIENCE), "type": "account_onboarding", **pages}
    link = await stage.sandbox.stripe.account_links.create_async(form)
    await stage.sandbox.http.post(link.url, data={"outcome": "complete"})
    await until(is_complete, PATIENCE)


async def _account(stage: Stage, affiliate_id: int) -> PayoutAccount:
    async with stage.databases["payments"].begin() as session:
        of = select(PayoutAccount).where(PayoutAccount.affiliate_id == affiliate_id)
        return (await session.scalars(of)).one()


async def saves_a_card(story: Story) -> None:
    """A visit too far ahead for a hold."""
    await story.takes(FAR)
    setup_id = await until(lambda: _of_payment(story, Payment.stripe_setup_intent_id), PATIENCE)
    await story.stage.sandbox.stripe.setup_intents.confirm_async(setup_id, {"payment_method": "pm_card_visa"})
    await until(lambda: story.is_(*PAID), PATIENCE)


async def is_held_for_from_afar(story: Story) -> None:
    """The card is saved, held on when the visit is near, and charged when the job is done."""
    await saves_a_card(story)
    async with story.stage.databases["payments"].begin() as session:
        await session.execute(COMES_NEAR, {"id": story.booking["id"]})
    await until(lambda: _is_held(story), PATIENCE)
    await story.is_done(FAR)


async def never_saves_a_card(story: Story) -> None:
    """Asked for, and not given before the time is over."""
    await story.takes(FAR)
    await until(lambda: _of_payment(story, Payment.stripe_setup_intent_id), PATIENCE)
    await story.runs_out()


async def _is_held(story: Story) -> bool:
    return await _of_payment(story, Payment.status) is Status.AUTHORISED


async def _of_payment(story: Story, column: Any) -> Any:
    async with story.stage.databases["payments"].begin() as session:
        return await session.scalar(select(column).where(Payment.booking_id == story.booking["id"]))


async def is_paid_out(story: Story) -> None:
    """The job is done, and some time later its affiliate has its money."""
    await story.completes_at(PAYEE, AT_ONCE)
    await until(lambda: _is_known_as_done(story), PATIENCE)
    await _an_hour_passes(story.stage)


async def _an_hour_passes(stage: Stage) -> None:
    """Whoever is due is looked at again."""
    async with stage.databases["payments"].begin() as session:
        await session.execute(LOOKED_AT_LONG_AGO)
        tasks.enqueue(session, make_payouts)


async def _is_known_as_done(story: Story) -> bool:
    async with story.stage.databases["payments"].begin() as session:
        return bool(await session.scalar(IS_DONE, {"id": story.booking["id"]}))


async def joins(story: Story) -> None:
    """Another affiliate, who is to be paid one day."""
    affiliate_id = NEWCOMERS + story.number
    await _known(story.stage, approved(affiliate_id=affiliate_id))
    await _onboarded(story.stage, affiliate_id)


async def gets_papers(story: Story) -> None:
    """A receipt when it is paid, an invoice when the job is done, both by mail."""
    number = story.who.customer_id
    contact = UserRegistered(
        user_id=story.who.user_id, version=1, customer_id=number, email=_address(story), full_name="Ada",
        locale="en-US", timezone="UTC",
    )  # fmt: skip
    await deliver_to("notifications", story.stage.databases["notifications"])(contact)
    story.reads_mail = True
    await story.completes_at(WHOLE)


async def goes_behind_our_back(story: Story) -> None:
    """Money that leaves for nothing, a number that no paper has, another receipt of the same."""
    account = (await _account(story.stage, PAYEE)).stripe_account_id or ""
    await story.stage.sandbox.paid(500_000, payment_method=AT_ONCE, metadata={"booking_id": "0", "mdh_reference": "0"})
    await story.stage.sandbox.stripe.transfers.create_async({"amount": 100, "currency": "usd", "destination": account})
    async with story.stage.databases["payments"].begin() as session:
        await session.execute(text("update number_ranges set last = last + 1"))
    assert story.stage.mail is not None
    again = message(f"{PAPERS[0]}again")
    await story.stage.mail.send(again, _address(story))


def _address(story: Story) -> str:
    return f"c{story.who.customer_id}@example.org"


async def wrongs(street: Street, told: Sequence[Story]) -> list[str]:
    """What stories of these kinds leave undone. What was earned while a payout was under way goes with the next one."""
    async with street.stage.databases["payments"].begin() as session:
        owed = (await payable_to(session, PAYEE)).get("USD", 0)
    found = [f"{owed} cents are still the payee's"] if owed else []
    if owed:
        await _an_hour_passes(street.stage)
    for story in told:
        if story.reads_mail:
            found += await _mail_of(story)
    return found


async def _mail_of(story: Story) -> list[str]:
    """A receipt and an invoice, once each. A copy may come again, and is known for what it is."""
    assert story.stage.mail is not None
    who = _address(story)
    mails = await story.stage.mail.mails(to=who)
    subjects = {mail["message_id"]: mail["subject"] for mail in mails}.values()
    kinds = sorted(subject.split()[1] for subject in subjects if subject.startswith(PAPERS))
    return [] if kinds == ["invoice", "receipt"] else [f"{who} has got {kinds}"]
