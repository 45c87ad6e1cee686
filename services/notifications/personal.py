"""What notifications holds of people: where to reach them, and what was said to them and about them."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.identity import ErasureRequested
from shared.contracts.notifications import PersonalDataErased, PersonalDataExported
from shared.personal import Held, Nobodys, Personal

# No version of identity's is higher, so no older fact brings the person back; whoever is just telling them something
# holds the row, and comes first.
NEVER_AGAIN = text("""
insert into contacts (user_id, version, customer_id, email, full_name, locale, timezone)
values (:user_id, 9223372036854775807, :customer_id, '', '', 'en-US', 'UTC')
    on conflict (user_id) do update
   set version = excluded.version, customer_id = excluded.customer_id, email = '', full_name = '',
       updated_at = now()""")
OF_THE_PERSON = "select booking_id from bookings where customer_id = :customer_id"
QUOTES_OF_THE_PERSON = "select quote_id from quotes where customer_id = :customer_id"

TABLES = (
    Held(
        "contacts",
        "user_id = :user_id",
        shown="user_id customer_id locale timezone created_at updated_at",
        hidden="version",
        erased={"email": "''", "full_name": "''"},
    ),
    Held(
        "notifications",
        "user_id = :user_id",
        shown="type title data is_read created_at",
        hidden="id user_id cause cause_event_id updated_at",
        erased={"message": "'(erased)'"},
        goes=True,
        also=f"cast(data ->> 'booking_id' as bigint) in ({OF_THE_PERSON})"
        f" or cast(data ->> 'quote_id' as bigint) in ({QUOTES_OF_THE_PERSON})",
    ),
    Held(
        "communications",
        "to_user_id = :user_id or from_user_id = :user_id",
        shown="type notice status sent_at created_at",
        hidden="id version from_user_id to_user_id booking_id affiliate_id appointment_start cause cause_event_id"
        " message_id attempts updated_at error secret attachment expires_at quote_id quote_version",
        erased={
            "subject": "''",
            "content": "''",
            "error": "null",
            "to_email": "null",
            "to_name": "null",
            "secret": "null",
            "attachment": "null",
        },
        also=f"booking_id in ({OF_THE_PERSON}) or quote_id in ({QUOTES_OF_THE_PERSON})",
    ),
    Held(
        "waiting_notices",
        "waits_for in (concat('user ', :user_id), concat('customer ', :customer_id))",
        shown="notice created_at",
        hidden="id waits_for updated_at",
        goes=True,
        also="notice #>> '{facts,customer_id}' = concat(:customer_id)",
    ),
    Held(
        "affiliate_members",
        "user_id = :user_id",
        shown="affiliate_id role created_at updated_at",
        hidden="affiliate_user_id version user_id",
    ),
    Held(
        "affiliates",
        "owner_user_id = :user_id",
        shown="affiliate_id name application_status",
        hidden="version owner_user_id created_at updated_at",
    ),
    Held(
        "bookings",
        "customer_id = :customer_id",
        shown="booking_id affiliate_id status service_name appointment_start appointment_end timezone"
        " arrival_window_minutes",
        hidden="version customer_id hold_expires_at reminded_at created_at updated_at",
    ),
    Held(
        "quotes",
        "customer_id = :customer_id",
        shown="quote_id affiliate_id status valid_until",
        hidden="version customer_id created_at updated_at",
    ),
    Nobodys("disputes", "dispute_id version status created_at updated_at", "how far each is, and nothing of whom"),
)


async def _forget_contact(event: ErasureRequested, session: AsyncSession) -> None:
    """Also of whom nothing is known yet: what identity told of them may be on its way."""
    await session.execute(NEVER_AGAIN, {"user_id": event.user_id, "customer_id": event.customer_id})


personal = Personal(TABLES, PersonalDataExported, PersonalDataErased, first=_forget_contact)
