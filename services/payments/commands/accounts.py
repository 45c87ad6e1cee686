"""Affiliates' accounts at the provider: made once, onboarded by their owners, kept as the provider tells."""

from contextlib import suppress

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.contracts.catalog import AffiliateEvent, AffiliateSuspended
from shared.contracts.payments import AccountChanged, PayoutsHeld, PayoutsReleased
from shared.outbox import record
from shared.tasks import Outside

from ..clients import Provider
from ..domain.payout_account import AccountNotReady, NoOnboarding, PayoutAccount, ProviderSilent
from ..domain.provider import ProviderAccount, RefusedByProvider, Unanswered
from ..domain.webhook import Outcome
from ..queries.accounts import (
    account_for,
    claim_quiet_accounts,
    find_account,
    find_account_id,
    get_account,
    has_account,
)
from . import tasks
from .asking import ask

WITHOUT = ("rejected", "closed")  # affiliates that will not be paid, and so get no account
REASON = 2_000  # characters that are kept of it


async def prepare(session: AsyncSession, affiliate: AffiliateEvent) -> None:
    """An affiliate is to be paid one day. Heard again it changes nothing, but for who owns it: the newest version."""
    if affiliate.application_status in WITHOUT and not await has_account(session, affiliate.affiliate_id):
        return
    owned = {"owner_user_id": affiliate.owner_user_id, "affiliate_version": affiliate.version}
    row = insert(PayoutAccount).values({"affiliate_id": affiliate.affiliate_id, **owned, **PayoutAccount.intended()})
    older = PayoutAccount.affiliate_version < affiliate.version
    kept = row.on_conflict_do_update(index_elements=["affiliate_id"], set_=owned, where=older)
    account = await session.scalar(kept.returning(PayoutAccount), execution_options={"populate_existing": True})
    if account is None:
        return
    if account.stand(affiliate.application_status, _why(affiliate)):
        record(session, (PayoutsHeld if account.payouts_held else PayoutsReleased).of(account))
    if account.stripe_account_id is None:
        tasks.enqueue(session, create_account, payout_account_id=account.id)


def _why(affiliate: AffiliateEvent) -> str | None:
    return affiliate.reason[:REASON] if isinstance(affiliate, AffiliateSuspended) else None


async def release_payouts(session: AsyncSession, affiliate_id: int, version: int | None) -> PayoutAccount:
    """By a person: what waited leaves as if the affiliate had not been suspended."""
    account = await find_account(session, affiliate_id, lock=True)
    account.expect(version)
    account.release()
    record(session, PayoutsReleased.of(account))
    return account


@tasks.call
async def create_account(outside: Outside, payout_account_id: int) -> None:
    """The row is the intention. Called again after a crash, the provider answers the same key with the same account."""
    async with outside.begin() as session:
        account = await get_account(session, payout_account_id)
    if account.stripe_account_id is not None:
        return
    provider = outside.client(Provider)
    told = await ask(
        outside,
        account,
        call=lambda: provider.create_account(account),
        find=lambda: provider.find_account(account.reference, since=account.created_at),
    )
    await _keep(outside, account, told)


async def _keep(outside: Outside, account: PayoutAccount, told: ProviderAccount) -> None:
    """Written only onto the row that was read before the provider was asked: of two who ask at once, the one with the
    older answer asks again."""
    async with outside.begin() as session:
        session.add(account)
        if account.become(told):
            record(session, AccountChanged.of(account))


async def note_account_change(session: AsyncSession, stripe_account_id: str) -> Outcome:
    """Something about an account is new. What, is asked: webhooks come in any order, and say what was."""
    account_id = await find_account_id(session, stripe_account_id)
    if account_id is None:
        return Outcome.FOREIGN
    tasks.enqueue(session, check_account, payout_account_id=account_id)
    return Outcome.DONE


@tasks.call
async def check_account(outside: Outside, payout_account_id: int) -> None:
    async with outside.begin() as session:
        account = await get_account(session, payout_account_id)
    if account.stripe_account_id is not None:
        await _keep(outside, account, await outside.client(Provider).get_account(account.stripe_account_id))


async def ask_about_quiet_accounts(session: AsyncSession, *, limit: int) -> None:
    """Heals webhooks that never came, of those whose owners have something to do."""
    for account_id in await claim_quiet_accounts(session, limit=limit):
        tasks.enqueue(session, check_quiet_account, payout_account_id=account_id)


@tasks.call
async def check_quiet_account(outside: Outside, payout_account_id: int) -> None:
    """Who does not answer is asked again later anyway."""
    with suppress(Unanswered):
        await check_account(outside, payout_account_id)


async def onboarding_url(outside: Outside, actor: Actor, affiliate_id: int) -> str:
    """Where the owner goes on with the provider; asked for with no transaction open, and kept nowhere."""
    async with outside.begin() as session:
        account = await account_for(session, actor, affiliate_id)
    account.must_belong_to(actor)
    if account.stripe_account_id is None:
        raise AccountNotReady
    try:
        return await outside.client(Provider).onboarding_url(account.stripe_account_id)
    except Unanswered as error:
        raise ProviderSilent from error
    except RefusedByProvider as error:
        raise NoOnboarding from error
