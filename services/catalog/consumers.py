"""What catalog does when others tell it something."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Consumers
from shared.contracts.booking import (
    BookingCancelled,
    BookingConfirmed,
    BookingDeclined,
    BookingEvent,
    BookingExpired,
    BookingHeld,
    BookingRequested,
    FreeDaysChanged,
)
from shared.contracts.catalog import AFFILIATE_EVENTS, OfferChanged, OfferPublished, OfferWithdrawn, PriceListChanged
from shared.contracts.identity import (
    MemberAdded,
    MemberChanged,
    MemberEvent,
    MemberRemoved,
    UserClosed,
    UserEvent,
    UserReinstated,
    UserSuspended,
)
from shared.contracts.payments import AccountChanged
from shared.contracts.reviews import RatingChanged

from .commands import affiliates, owners, promotions, search
from .domain.search import Fact
from .personal import personal

consumers = Consumers("catalog")
personal.join(consumers)


@consumers.on(RatingChanged)
async def show_rating(event: RatingChanged, session: AsyncSession) -> None:
    await affiliates.take_over_rating(session, event)


@consumers.on(MemberAdded, MemberChanged, MemberRemoved)
async def follow_team(event: MemberEvent, session: AsyncSession) -> None:
    await owners.follow_team(session, event)


@consumers.on(UserSuspended, UserReinstated, UserClosed)
async def follow_owner(event: UserEvent, session: AsyncSession) -> None:
    await owners.follow_owner(session, event)


@consumers.on(*AFFILIATE_EVENTS, OfferPublished, OfferChanged, OfferWithdrawn, PriceListChanged)
async def show_in_search(event: Fact, session: AsyncSession) -> None:
    await search.show_in_search(session, event)


@consumers.on(FreeDaysChanged)
async def show_free_days(event: FreeDaysChanged, session: AsyncSession) -> None:
    await search.show_free_days(session, event)


@consumers.on(AccountChanged)
async def show_payout_state(event: AccountChanged, session: AsyncSession) -> None:
    await affiliates.show_payout_state(session, event)


@consumers.on(
    BookingRequested, BookingDeclined, BookingHeld, BookingConfirmed, BookingExpired, BookingCancelled,
    use=lambda booking: booking.promotion_id is not None,
)  # fmt: skip
async def count_promotion_use(event: BookingEvent, session: AsyncSession) -> None:
    await promotions.count_use(session, event)
