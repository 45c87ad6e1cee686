"""What payments holds of people: how they paid, and why an attempt failed. Amounts, ids and times are the books'."""

from shared.contracts.payments import PersonalDataErased, PersonalDataExported
from shared.personal import Held, Nobodys, Personal

from .commands.kept_cards import forget_cards

OF_THE_PERSON = (
    "select stripe_payment_intent_id from payments where customer_id = :customer_id"
    " union all select stripe_setup_intent_id from payments where customer_id = :customer_id"
    " union all select stripe_payment_intent_id from former_intents"
    " where payment_id in (select id from payments where customer_id = :customer_id)"
)

# Cards and customers as the provider calls them.
CARDS = (
    "select stripe_payment_method_id from kept_cards where customer_id = :customer_id"
    " union all select payment_method ->> 'id' from payments where customer_id = :customer_id"
)
KNOWN_AS = (
    "select stripe_customer_id from wallets where customer_id = :customer_id"
    " union all select payment_method ->> 'customer' from payments where customer_id = :customer_id"
)
# As idx_webhooks_intent and idx_webhooks_customer have it.
TOLD_OF_THEM = (  # the names are ours
    "select id from webhooks where coalesce(payload #>> '{data,object,payment_intent}', payload #>> '{data,object,id}')"  # noqa: S608
    f" in ({OF_THE_PERSON} union all {CARDS} union all {KNOWN_AS})"
    f" union all select id from webhooks where payload #>> '{{data,object,customer}}' in ({KNOWN_AS})"
)

TABLES = (
    Held(
        # Before the rows by which they are found. One that is not handled yet loses its details with the job that
        # forgets them.
        "webhooks",
        f"id in ({TOLD_OF_THEM}) and handled_at is not null",
        hidden="id event_id type received_at handled_at outcome created_at updated_at payload",
        erased={"payload": "'{}'"},
    ),
    Held(
        "payments",
        "customer_id = :customer_id",
        shown="id booking_id purpose affiliate_id amount_cents currency status captured_cents refunds_due_cents"
        " refunded_cents disputed_cents withheld_cents lost_cents"
        " stripe_payment_intent_id captured_at visit_start visit_end created_at updated_at",
        hidden="version customer_id keeps_card intent_kind stripe_setup_intent_id capture_before cause commission_cents"
        " tax_cents rest_cents rest_commission_cents rest_tax_cents declined_attempt attention reference"
        " idempotency_key dispute_fees_cents attempt requested_at checked_at client_secret paid_out_cents"
        " paid_out_version surplus",
        # `{}` and not null: what a late webhook says of the card is not taken over any more.
        erased={"payment_method": "'{}'", "decline_reason": "null", "client_secret": "null"},
    ),
    Held(
        "bookings",
        "customer_id = :customer_id",
        shown="booking_id affiliate_id status price_cents currency payment_mode appointment_start appointment_end",
        hidden="customer_id version final_at created_at updated_at",
    ),
    Held(
        "kept_cards",
        "customer_id = :customer_id",
        shown="id brand last_four expires_month expires_year created_at",
        hidden="customer_id stripe_payment_method_id",
        goes=True,
    ),
    Held(
        "wallets",
        "customer_id = :customer_id",
        hidden="id customer_id stripe_customer_id reference idempotency_key attempt requested_at created_at updated_at",
        goes=True,
    ),
    Held(
        "refunds",
        "payment_id in (select id from payments where customer_id = :customer_id)",
        shown="id payment_id amount_cents status stripe_refund_id created_at updated_at",
        hidden="reason cause reference idempotency_key attempt requested_at",
    ),
    Held(
        "refund_requests",
        "payment_id in (select id from payments where customer_id = :customer_id)",
        shown="id payment_id amount_cents status created_at updated_at",
        hidden="version reason two_persons asked_by decided_by decided_at",
        erased={"reason": "''"},
    ),
    Held(
        "disputes",
        "customer_id = :customer_id",
        shown="id payment_id booking_id affiliate_id amount_cents currency reason status stripe_dispute_id opened_at"
        " created_at updated_at",
        hidden="version customer_id withdrawn_cents fee_cents evidence_due_by reminders checked_at",
    ),
    Held(
        "bills",
        "customer_id = :customer_id",
        shown="booking_id affiliate_id subject performed_on payment_mode currency lines total_cents tax_cents",
        hidden="customer_id created_at updated_at",
    ),
    Held(
        "invoices",  # kept whole, as the law wants it: the customer stands there as a number
        "customer_id = :customer_id",
        shown="id kind number booking_id affiliate_id payment_id currency total_cents tax_cents paper issued_at",
        hidden="issuer_id year ordinal cause customer_id refers_to created_at",
    ),
    Held(
        "billing_names",
        "customer_id = :customer_id",
        shown="name address created_at updated_at",
        hidden="customer_id",
        goes=True,
    ),
    Held(
        "invoice_names",
        "customer_id = :customer_id",
        shown="invoice_id lines created_at",
        hidden="customer_id",
        goes=True,
    ),
    Nobodys("number_ranges", "kind issuer_id year last created_at updated_at", "numbers"),
    Nobodys("affiliates", "affiliate_id version name city state zip created_at updated_at", "businesses"),
    Nobodys(
        "payout_accounts",
        "id version affiliate_id owner_user_id affiliate_version status payouts_enabled requirements stripe_account_id"
        " reference idempotency_key attempt requested_at checked_at name payouts_checked_at affiliate_status"
        " held_because created_at updated_at",
        "an affiliate's",
    ),
    Nobodys(
        "payouts",
        "id version affiliate_id currency amount_cents stripe_account_id status refusal stripe_transfer_id paid_at"
        " reversed_cents"
        " reference idempotency_key attempt requested_at checked_at created_at updated_at",
        "an affiliate's",
    ),
    Nobodys("payout_items", "id payout_id payment_id payment_version amount_cents created_at", "the books"),
    Nobodys(
        "payout_reversals",
        "id version payout_id payment_id amount_cents status refusal stripe_reversal_id reference idempotency_key"
        " attempt requested_at checked_at created_at updated_at",
        "the books",
    ),
    Nobodys("journals", "id fact payment_id payout_id entry_id currency created_at", "the books"),
    Nobodys("former_intents", "id payment_id stripe_payment_intent_id created_at", "ids of the provider"),
    Nobodys(
        "provider_entries",
        "id stripe_id type source_id intent_id reference amount_cents fee_cents currency booked_at created_at"
        " updated_at",
        "the provider's books",
    ),
    Nobodys("reconciliations", "id day entries suspects finished_at created_at updated_at", "days"),
    Nobodys(
        "discrepancies",
        "id version kind subject about provider_says we_say status owner note found_at closed_at created_at updated_at",
        "sums and ids of the provider, and what staff say of them",
    ),
    Nobodys("postings", "id journal_id account affiliate_id amount_cents created_at", "the books"),
)

personal = Personal(TABLES, PersonalDataExported, PersonalDataErased, first=forget_cards)
