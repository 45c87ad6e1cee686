"""The tables of the original schema, each in the slice of the service that owns it, as the migrations make them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from shared.db import Database
from shared.provision import SERVICES

# Tables that a service owns, with the columns that were given; a local copy of another's table is not among them.
OWNED: dict[str, dict[str, str]] = {
    "identity": {
        "users": "email role status deleted_at",
        "customers": "user_id deleted_at",
        "exports": "user_id status expires_at",
        "export_parts": "export_id service data",
        "erasures": "user_id status due_at",
        "erasure_receipts": "erasure_id service counts",
        "affiliate_users": "affiliate_id user_id role",
        "invitations": "affiliate_id email role status expires_at",
        "customer_addresses": "customer_id label line1 line2 city state zip latitude longitude access_notes is_default",
        "vehicles": "customer_id year make model color size_class license_plate condition_notes deleted_at",
        "marketing_consents": "customer_id email sms",
        "consent_changes": "customer_id channel granted wording address user_agent",
        "refresh_tokens": "user_id token_hash expires_at revoked_at",
        "lookups": "user_id staff_id",
        "oidc_authorizations": "provider state_hash expires_at",
        "oidc_links": "user_id issuer subject",
        "second_factors": "user_id secret last_step",
        "recovery_codes": "user_id code_hash used_at",
        "second_factor_challenges": "user_id challenge_hash expires_at used_at",
        "address_proofs": "user_id purpose token_hash expires_at",
        "impersonations": "staff_id user_id reason expires_at ended_at",
        "api_keys": "user_id affiliate_id prefix scopes expires_at last_used_at revoked_at",
    },
    "catalog": {
        "affiliates": "application_status rating city state zip deleted_at",
        "affiliate_steps": "affiliate_id from_status to_status changed_by reason",
        "services": "affiliate_id category active deleted_at",
        "service_tiers": "service_id price_cents duration_minutes deleted_at",
        "mdh_config": "currency commission_bp",
        "mdh_config_history": "version changed_by changes",
        "categories": "slug name",
        "price_lists": "affiliate_id minimum_cents tax_ppm",
        "size_multipliers": "price_list_id size_class multiplier_bp",
        "condition_multipliers": "price_list_id condition multiplier_bp",
        "travel_bands": "price_list_id up_to_m fee_cents",
        "add_ons": "price_list_id name price_cents duration_minutes active deleted_at",
        "add_on_categories": "add_on_id category",
        "promotions": "affiliate_id code percent_bp amount_cents starts_at ends_at max_uses active",
        "promotion_categories": "promotion_id category",
        "promotion_uses": "booking_id promotion_id customer_id counts",
        "service_area_zips": "affiliate_id zip",
        "tier_size_prices": "tier_id size_class price_cents",
        "service_photos": "service_id position url",
    },
    "booking": {
        "availability": "affiliate_id weekday opens_minute closes_minute crew_id zips",
        "availability_exceptions": "affiliate_id crew_id kind first_day last_day from_minute to_minute",
        "crews": "affiliate_id buffer_before_minutes buffer_minutes start_zip end_zip active",
        "schedule_settings": "affiliate_id slot_interval_minutes lead_minutes horizon_days request_to_book",
        "bookings": "customer_id affiliate_id status appointment_start appointment_end price_cents quote_id",
        "quotes": "customer_id affiliate_id status created_at request_id valid_until price_cents booking_id",
        "quote_messages": "quote_id author body",
        "external_calendars": "affiliate_id crew_id url status fetched_at etag last_modified error next_fetch_at",
        "external_busy": "calendar_id crew_id during",
        "calendar_feeds": "customer_id affiliate_id crew_id token_hash",
        "counted_payments": "payment_id booking_id amount_cents",
        "series": "customer_id affiliate_id tier_id status every_weeks first_on last_on minute timezone next_on due_at",
        "series_visits": "series_id on_date status booking_id reason other_times",
    },
    "payments": {
        "payments": "booking_id stripe_payment_intent_id amount_cents status payment_method purpose cause",
        "refunds": "payment_id amount_cents status",
        "refund_requests": "payment_id amount_cents reason asked_by decided_by status",
        "disputes": "payment_id stripe_dispute_id amount_cents status evidence_due_by withdrawn_cents",
        "webhooks": "event_id type payload",
        "kept_cards": "customer_id stripe_payment_method_id brand last_four expires_month expires_year",
        "wallets": "customer_id stripe_customer_id",
        "billing_names": "customer_id name address",
        "invoice_names": "invoice_id customer_id lines",
        "former_intents": "payment_id stripe_payment_intent_id",
        "journals": "fact payment_id payout_id entry_id currency",
        "provider_entries": "stripe_id type source_id intent_id reference amount_cents fee_cents currency booked_at",
        "discrepancies": "kind subject about provider_says we_say status owner note",
        "payouts": "affiliate_id amount_cents currency status stripe_transfer_id",
        "payout_reversals": "payout_id payment_id amount_cents status stripe_reversal_id",
        "payout_items": "payout_id payment_id payment_version amount_cents",
        "postings": "journal_id account affiliate_id amount_cents",
        "bills": "booking_id lines total_cents tax_cents",
        "number_ranges": "kind issuer_id year last",
        "invoices": "kind number booking_id payment_id refers_to total_cents tax_cents paper",
    },
    "reviews": {
        "reviews": "booking_id customer_id affiliate_id rating create_time deleted_at",
        "affiliate_ratings": "affiliate_id rating_sum review_count",
    },
    "notifications": {
        "notifications": "user_id type title message data is_read",
        "communications": "from_user_id to_user_id type subject content status sent_at",
        "waiting_notices": "waits_for notice",
    },
    "analytics": {
        "analytics_events": "event_name user_id session_id properties",
        "business_metrics": "metric_name metric_value dimensions recorded_at",
    },
}
# Of the original schema, still to come with the features that fill them; whoever makes one moves its line up.
TO_COME = {
    "reviews": {"location": "", "review_reply": "", "review_sync_state": ""},
}
NEVER_CHANGE = {
    "affiliate_steps",
    "analytics_events",
    "add_on_categories",
    "consent_changes",
    "counted_payments",
    "external_busy",
    "former_intents",
    "journals",
    "kept_cards",
    "invoice_names",
    "mdh_config_history",
    "payout_items",
    "postings",
    "invoices",
    "promotion_categories",
    "quote_messages",
    "service_area_zips",
}
KEYED_OTHERWISE = {
    "categories": "slug", "mdh_config": "id", "second_factors": "user_id", "size_multipliers": "price_list_id",
    "condition_multipliers": "price_list_id", "travel_bands": "price_list_id", "add_on_categories": "add_on_id",
    "promotion_categories": "promotion_id", "promotion_uses": "booking_id", "counted_payments": "payment_id",
    "bills": "booking_id", "number_ranges": "kind", "billing_names": "customer_id", "invoice_names": "invoice_id",
}  # fmt: skip
INDEXES = """
idx_bookings_customer_status      booking bookings(customer_id, status)
idx_bookings_affiliate_date       booking bookings(affiliate_id, appointment_start)
idx_quotes_customer_created       booking quotes(customer_id, created_at)
idx_quotes_affiliate_status       booking quotes(affiliate_id, status)
idx_affiliates_status_rating      catalog affiliates(application_status, rating)
idx_affiliates_location           catalog affiliates(city, state, zip)
idx_reviews_affiliate_rating      reviews reviews(affiliate_id, rating)
idx_reviews_created_time          reviews reviews(create_time)
idx_services_category_active      catalog services(category, active)
idx_services_affiliate_category   catalog services(affiliate_id, category)
"""
TYPES = """
notifications    type                      varchar(50)
notifications    title                     varchar(255)
notifications    message                   text
notifications    data                      jsonb         '{}'
notifications    is_read                   boolean       false
communications   type                      varchar(50)
communications   subject                   varchar(255)
communications   content                   text
communications   status                    varchar(50)
payments         booking_id                bigint
payments         stripe_payment_intent_id  text
payments         status                    varchar(50)
payments         payment_method            jsonb
analytics_events event_name                varchar(100)
analytics_events session_id                varchar(255)
analytics_events properties                jsonb         '{}'
business_metrics metric_name               varchar(100)
business_metrics metric_value              numeric
business_metrics dimensions                jsonb         '{}'
"""
OF_EVERY_SERVICE = {
    "schema_migrations", "business_events", "outbox", "inbox", "idempotency_keys", "tasks", "person_keys",
    "erased_people", "platform_config",
}  # fmt: skip

COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
       pg_get_expr(d.adbin, d.adrelid)
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on (d.adrelid, d.adnum) = (c.oid, a.attnum)
 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"""
CHECKS = """
select c.relname, a.attname, pg_get_constraintdef(k.oid)
  from pg_constraint k join pg_class c on c.oid = k.conrelid
  join pg_attribute a on a.attrelid = c.oid and a.attnum = any(k.conkey) where k.contype = 'c'"""
FOREIGN = "select conrelid::regclass::text, confrelid::regclass::text from pg_constraint where contype = 'f'"

Column = tuple[str, bool, str, str | None]
Rows = Callable[[str], Awaitable[list[Any]]]


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def rows(service: str, run_databases: Callable[[str], Awaitable[Database]]) -> Rows:
    database = await run_databases(service)

    async def rows(sql: str) -> list[Any]:
        async with database.read() as session:
            return list((await session.execute(text(sql))).all())

    return rows


@pytest.fixture
async def tables(rows: Rows) -> dict[str, dict[str, Column]]:
    """type, not null, identity, default by table and column."""
    found: dict[str, dict[str, Column]] = {}
    for table, column, *rest in await rows(COLUMNS):
        found.setdefault(table, {})[column] = (rest[0], rest[1], rest[2], rest[3])
    return found


def test_each_table_has_the_columns_that_were_given(service: str, tables: dict[str, dict[str, Column]]) -> None:
    assert set(tables) >= OF_EVERY_SERVICE | set(OWNED[service])
    assert {t: sorted(set(given.split()) - set(tables[t])) for t, given in OWNED[service].items()} == {
        t: [] for t in OWNED[service]
    }
    assert not set(TO_COME.get(service, ())) & set(tables)


def test_keys_are_bigint_identities_and_times_are_kept(service: str, tables: dict[str, dict[str, Column]]) -> None:
    for table in OWNED[service]:
        if table not in KEYED_OTHERWISE:
            assert tables[table]["id"][:3] == ("bigint", True, "a"), table
        for column in ("created_at", "updated_at")[: 1 if table in NEVER_CHANGE else 2]:
            assert tables[table][column] == ("timestamp with time zone", True, "", "now()"), (table, column)


def test_money_is_whole_and_moments_have_a_zone(service: str, tables: dict[str, dict[str, Column]]) -> None:
    for table, columns in tables.items():
        for name, (kind, *_) in columns.items():
            assert kind == "bigint" or not name.endswith(("_cents", "_bp")), (table, name)
            assert kind not in ("timestamp without time zone", "real", "money", "json"), (table, name)


def test_types_that_were_given_are_those(service: str, tables: dict[str, dict[str, Column]]) -> None:
    for line in TYPES.strip().splitlines():
        table, column, wanted, *default = line.split()
        if table in OWNED[service]:
            kind, _, _, by_default = tables[table][column]
            assert kind.replace("character varying", "varchar") == wanted, line
            assert (by_default or "").startswith(" ".join(default)), line


async def test_each_state_is_checked(service: str, rows: Rows, tables: dict[str, dict[str, Column]]) -> None:
    checked = {(table, column) for table, column, rule in await rows(CHECKS) if "ARRAY[" in rule}
    for table in OWNED[service]:
        for column in {"status", "application_status"} & set(tables[table]):
            assert (table, column) in checked


async def test_foreign_keys_stay_inside_the_slice(service: str, rows: Rows) -> None:
    for table, target in await rows(FOREIGN):
        assert {table, target} <= set(OWNED[service]) | OF_EVERY_SERVICE, (table, target)


async def test_the_given_indexes_are_there_under_their_names(service: str, rows: Rows) -> None:
    there = dict(map(tuple, await rows("select indexname, indexdef from pg_indexes")))
    for line in INDEXES.strip().splitlines():
        name, owner, on = line.split(maxsplit=2)
        if owner == service:
            table, columns = on.split("(")
            assert there[name].endswith(f"ON public.{table} USING btree ({columns}")
