"""What booking holds of people: where their appointments are, why they were cancelled, what they asked and said."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.booking import ErasurePutOff, PersonalDataErased, PersonalDataExported
from shared.contracts.identity import ErasureRequested
from shared.personal import Held, Nobodys, Personal, stored_answers

from .commands.quotes import withdraw_all
from .commands.series import end_all
from .queries.bookings import live_until, lock_customer

TABLES = (
    Held(
        "bookings",
        "customer_id = :customer_id",
        shown="id affiliate_id service_name tier_name status appointment_start appointment_end timezone price_cents"
        " currency lines tax_cents size_class condition late_fee_cents paid_cents refund_cents"
        " fee_cents payment_mode deposit_cents cancelled_by created_at updated_at no_show_fee_cents proposed_start eta"
        " started_at completed_at vehicles arrival_window_minutes extras extra_minutes",
        hidden="version customer_id crew_id service_id tier_id blocked commission_cents promotion_id quote_id"
        " series_id free_until hold_expires_at",
        erased={
            "address": "''",
            "zip": "''",
            "cancel_reason": "null",
            "notes": "null",
            "vehicle": "''",
            "photo_urls": "'{}'",
        },
    ),
    Held(
        "quotes",
        "customer_id = :customer_id",
        shown="id request_id affiliate_id service_name tier_name status size_class condition wished_times budget_cents"
        " currency valid_until lines price_cents tax_cents duration_minutes booking_id created_at updated_at",
        hidden="version customer_id service_id tier_id",
        erased={
            "vehicle": "''",
            "photo_urls": "'{}'",
            "address": "''",
            "zip": "''",
            "description": "''",
            "note": "''",
            "reason": "null",
        },
    ),
    Held(
        "quote_messages",
        "customer_id = :customer_id",
        shown="quote_id author created_at",
        hidden="id customer_id author_user_id",
        erased={"body": "''"},
        also="author_user_id = :user_id",
    ),
    Held(
        "series",
        "customer_id = :customer_id",
        shown="id affiliate_id service_name tier_name status every_weeks first_on last_on minute timezone size_class"
        " condition vehicles price_cents currency paused_by ended_by next_on created_at updated_at",
        hidden="version customer_id service_id tier_id add_on_ids promotion_id active_since followed_by_id due_at",
        erased={"address": "''", "zip": "''", "vehicle": "''", "end_reason": "null"},
    ),
    Held(
        "series_visits",
        "series_id in (select id from series where customer_id = :customer_id)",
        shown="series_id on_date status booking_id price_cents reason other_times created_at updated_at",
        hidden="id version",
    ),
    Held(
        "counted_payments",
        "booking_id in (select id from bookings where customer_id = :customer_id)",
        shown="payment_id booking_id amount_cents created_at",
    ),
    # after the bookings: whoever changes one has it locked until their answer is stored
    stored_answers("answer -> 'customer_id' = to_jsonb(:customer_id)"),
    Nobodys(
        "affiliates",
        "affiliate_id version name application_status timezone latitude longitude service_radius_m service_zips"
        " affiliate_tier cancellation_policy payment_mode created_at"
        " updated_at",
        "a copy of catalog's",
    ),
    Nobodys(
        "tiers",
        "tier_id version service_id affiliate_id category service_name tier_name price_cents duration_minutes"
        " size_prices active created_at updated_at",
        "a copy of catalog's",
    ),
    Nobodys("price_lists", "affiliate_id version rules created_at updated_at", "a copy of catalog's"),
    Nobodys(
        "promotions", "promotion_id version code affiliate_id promotion created_at updated_at", "a copy of catalog's"
    ),
    Nobodys(
        "crews",
        "id version affiliate_id name buffer_before_minutes buffer_minutes start_zip end_zip max_jobs_per_day"
        " max_minutes_per_day active created_at updated_at",
        "an affiliate's vans",
    ),
    Nobodys(
        "availability",
        "id affiliate_id weekday opens_minute closes_minute crew_id zips near_zip near_radius_m created_at updated_at",
        "an affiliate's",
    ),
    Nobodys(
        "availability_exceptions",
        "id affiliate_id crew_id kind first_day last_day from_minute to_minute note created_at updated_at",
        "an affiliate's",
    ),
    Nobodys(
        "schedule_settings",
        "id version affiliate_id slot_interval_minutes lead_minutes horizon_days request_to_book"
        " arrival_window_minutes created_at updated_at",
        "an affiliate's",
    ),
    Nobodys(
        "external_calendars",
        "id version affiliate_id crew_id name url status error failures tried_at fetched_at read_until etag"
        " last_modified next_fetch_at created_at updated_at",
        "an affiliate's",
    ),
    Nobodys("external_busy", "id calendar_id crew_id during created_at", "an affiliate's; only when, not what"),
    Held(
        "calendar_feeds",
        "customer_id = :customer_id",
        shown="id created_at updated_at",
        hidden="version customer_id affiliate_id crew_id token_hash",
        goes=True,
    ),
    Nobodys("free_days", "id affiliate_id version days due_at created_at updated_at", "an affiliate's"),
)


async def _wait_for_bookings(event: ErasureRequested, session: AsyncSession) -> ErasurePutOff | None:
    """Identity asks only if it knows of none; booking has the last word. Series end at once: they would make others."""
    if event.customer_id is None:
        return None
    await lock_customer(session, event.customer_id)
    await end_all(session, event.customer_id)
    if (until := await live_until(session, event.customer_id)) is None:
        return None
    told = {"erasure_receipt_id": event.erasure_id, "version": event.version}
    return ErasurePutOff(**told, customer_id=event.customer_id, until=until)


async def _withdraw_quotes(event: ErasureRequested, session: AsyncSession) -> None:
    """Whoever is asked is told, and asks nobody who is gone. The customer is locked by now: no quote comes after it."""
    if event.customer_id is not None:
        await withdraw_all(session, event.customer_id)


personal = Personal(
    TABLES, PersonalDataExported, PersonalDataErased, must_wait=_wait_for_bookings, first=_withdraw_quotes
)
