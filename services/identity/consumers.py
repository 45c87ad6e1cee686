"""What identity does when others tell it something."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Consumers, keep_newest_of
from shared.contracts import analytics, booking, catalog, identity, notifications, payments, reviews
from shared.contracts.booking import BOOKING_EVENTS, BookingEvent, ErasurePutOff
from shared.contracts.catalog import AffiliateApplied
from shared.contracts.identity import ErasureAccepted
from shared.contracts.personal import DataErased, DataExported

from .commands import erasures, exports
from .commands.teams import give_affiliate_its_owner
from .domain.erasure import LiveBooking
from .personal import personal

consumers = Consumers("identity")
personal.join(consumers)

EVERYBODY = (identity, catalog, booking, payments, reviews, notifications, analytics)
LIVE = {"booking_id", "version", "customer_id", "status", "appointment_end"}


@consumers.on(AffiliateApplied)
async def make_applicant_owner(event: AffiliateApplied, session: AsyncSession) -> None:
    await give_affiliate_its_owner(session, event.affiliate_id, event.owner_user_id)


@consumers.on_many(*BOOKING_EVENTS)
async def follow_live_bookings(events: Sequence[BookingEvent], session: AsyncSession) -> None:
    await keep_newest_of(session, LiveBooking, [event.model_dump(include=LIVE) for event in events], key="booking_id")


@consumers.on(*(service.PersonalDataExported for service in EVERYBODY))
async def collect_export(event: DataExported, session: AsyncSession) -> None:
    await exports.collect_part(session, event.producer, event)


@consumers.on(*(service.PersonalDataErased for service in EVERYBODY))
async def collect_receipt(event: DataErased, session: AsyncSession) -> None:
    await erasures.collect_receipt(session, event.producer, event)


@consumers.on(ErasureAccepted)
async def let_it_be_mailed(event: ErasureAccepted, session: AsyncSession) -> None:
    """Its own: what identity hears of itself, notifications hears, too."""
    await erasures.leave_time_to_mail(session, event.erasure_id)


@consumers.on(ErasurePutOff)
async def put_erasure_off(event: ErasurePutOff, session: AsyncSession) -> None:
    await erasures.put_off(session, event)
