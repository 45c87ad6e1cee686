"""What notifications does when others tell it something."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.consumers import Consumers, keep_newest
from shared.contracts.booking import (
    BOOKING_EVENTS,
    QUOTE_EVENTS,
    BookingEvent,
    QuoteEvent,
    QuoteMessageSent,
    SeriesEnded,
    SeriesEvent,
    SeriesPaused,
    SeriesStarted,
    SeriesVisitBooked,
    SeriesVisitEvent,
    SeriesVisitMissed,
)
from shared.contracts.catalog import (
    AFFILIATE_EVENTS,
    AffiliateEvent,
)
from shared.contracts.identity import (
    AddressProofEvent,
    ApiKeyCreated,
    ApiKeyRevoked,
    EmailChanged,
    EmailChangeRequested,
    EmailVerificationRequested,
    ErasureAccepted,
    ExportReady,
    ImpersonationStarted,
    MemberAdded,
    MemberChanged,
    MemberEvent,
    MemberInvited,
    MemberRemoved,
    PasswordChanged,
    PasswordResetRequested,
    RecoveryCodeUsed,
    RegistrationRepeated,
    SecondFactorDisabled,
    SecondFactorEnabled,
    SecondFactorEvent,
    SessionReused,
    SignInEvent,
    SignInLinked,
    SignInUnlinked,
    UserChanged,
    UserClosed,
    UserEvent,
    UserRegistered,
    UserReinstated,
    UserSuspended,
)
from shared.contracts.payments import (
    AccountChanged,
    AuthorisationFailed,
    DisputeEvent,
    EvidenceDue,
    InvoiceIssued,
    PaidOut,
    PaymentCaptured,
    PaymentDisputed,
    PaymentEvent,
    PaymentFailed,
    PaymentRefunded,
    PayoutEvent,
    PayoutRefused,
    PayoutReversed,
)
from shared.contracts.reviews import ReviewPosted
from shared.events import Event

from . import commands
from .domain.dispute import Dispute
from .domain.people import GONE, OWNER, Affiliate, Contact, Member
from .personal import personal

consumers = Consumers("notifications")
personal.join(consumers)

# Named, because an event may grow by fields that are not for us.
CONTACT = {"user_id", "version", "customer_id", "email", "full_name", "locale", "timezone"}
MEMBER = {"affiliate_user_id", "version", "affiliate_id", "user_id", "role"}
AFFILIATE = {"affiliate_id", "version", "owner_user_id", "name", "application_status"}
DISPUTE = {"dispute_id", "version", "status"}


@consumers.on(UserRegistered, UserChanged)
async def copy_contact(event: UserEvent, session: AsyncSession) -> None:
    """Whom we could not reach so far, we now can."""
    if await keep_newest(session, Contact, event.model_dump(include=CONTACT)):
        customer = [f"customer {event.customer_id}"] if event.customer_id else []
        await commands.tell_waiting(session, f"user {event.user_id}", *customer)


@consumers.on(
    EmailVerificationRequested, RegistrationRepeated, PasswordResetRequested, EmailChangeRequested, EmailChanged
)
async def write_to_address(event: AddressProofEvent, session: AsyncSession) -> None:
    await commands.tell_of(session, event)


@consumers.on(SecondFactorEnabled, SecondFactorDisabled, RecoveryCodeUsed, SignInLinked, SignInUnlinked, SessionReused)
async def tell_of_sign_in(event: SecondFactorEvent | SignInEvent | SessionReused, session: AsyncSession) -> None:
    """How somebody signs in was changed, or a session was stolen: they are to know, whoever it was."""
    await commands.tell_of(session, event)


@consumers.on(UserSuspended, UserReinstated, ImpersonationStarted, ApiKeyCreated, ApiKeyRevoked)
async def tell_of_staff_and_keys(event: Event, session: AsyncSession) -> None:
    await commands.tell_of(session, event)


@consumers.on(ExportReady, ErasureAccepted)
async def tell_of_personal_data(event: ExportReady | ErasureAccepted, session: AsyncSession) -> None:
    await commands.tell_of(session, event)


@consumers.on(PasswordChanged, UserClosed)
async def tell_of_account(event: UserEvent, session: AsyncSession) -> None:
    """What somebody should know of their account, lest it was not they who did it."""
    await commands.tell_of(session, event)


@consumers.on(MemberInvited)
async def write_invitation(event: MemberInvited, session: AsyncSession) -> None:
    await commands.invite(session, event)


@consumers.on(MemberAdded, MemberChanged, MemberRemoved)
async def copy_member(event: MemberEvent, session: AsyncSession) -> None:
    """Who has left stays known as gone, so that late news does not bring them back."""
    role = GONE if isinstance(event, MemberRemoved) else event.role
    if await keep_newest(session, Member, event.model_dump(include=MEMBER) | {"role": role}) and role == OWNER:
        await commands.tell_waiting(session, f"affiliate {event.affiliate_id}")


@consumers.on(*AFFILIATE_EVENTS)
async def tell_of_application(event: AffiliateEvent, session: AsyncSession) -> None:
    if await keep_newest(session, Affiliate, event.model_dump(include=AFFILIATE)):
        await commands.tell_waiting(session, f"affiliate {event.affiliate_id}")
    await commands.tell_of(session, event)


@consumers.on(*BOOKING_EVENTS)
async def tell_of_booking(event: BookingEvent, session: AsyncSession) -> None:
    await commands.follow_booking(session, event)


@consumers.on(*QUOTE_EVENTS, QuoteMessageSent)
async def tell_of_quote(event: QuoteEvent | QuoteMessageSent, session: AsyncSession) -> None:
    """Of what is closed or over by now, its end is told and nothing else."""
    await commands.follow_quote(session, event)


@consumers.on(SeriesStarted, SeriesPaused, SeriesEnded, SeriesVisitBooked, SeriesVisitMissed)
async def tell_of_series(event: SeriesEvent | SeriesVisitEvent, session: AsyncSession) -> None:
    await commands.follow_series(session, event)


@consumers.on(PaymentCaptured, PaymentFailed, AuthorisationFailed, PaymentRefunded)
async def tell_of_payment(event: PaymentEvent, session: AsyncSession) -> None:
    await commands.tell_of(session, event)


@consumers.on(InvoiceIssued)
async def send_paper(event: InvoiceIssued, session: AsyncSession) -> None:
    """As a PDF that is drawn from what the event says: the same as payments gives out."""
    await commands.tell_of(session, event)


@consumers.on(PaymentDisputed, EvidenceDue)
async def tell_of_dispute(event: DisputeEvent, session: AsyncSession) -> None:
    """Whoever was told how it ended is not told that it began, nor that an answer is due."""
    if await keep_newest(session, Dispute, event.model_dump(include=DISPUTE)):
        await commands.tell_of(session, event)


@consumers.on(AccountChanged, PaidOut, PayoutRefused, PayoutReversed)
async def tell_of_payouts(event: AccountChanged | PayoutEvent, session: AsyncSession) -> None:
    await commands.tell_of(session, event)


@consumers.on(ReviewPosted)
async def tell_of_review(event: ReviewPosted, session: AsyncSession) -> None:
    await commands.tell_of(session, event)
