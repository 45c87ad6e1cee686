"""What identity holds of people: most of what the platform knows of who they are."""

from shared.contracts.identity import PersonalDataErased, PersonalDataExported
from shared.personal import Held, Nobodys, Personal, stored_answers

TABLES = (
    stored_answers(  # to staff and to teams, before the address is gone
        "(answer -> 'id' = to_jsonb(:user_id) and answer ? 'full_name') or answer -> 'user_id' = to_jsonb(:user_id)"
        " or lower(answer ->> 'email') = (select lower(email) from users where id = :user_id)"
    ),
    Held(  # before the address is gone, by which they are found
        "invitations",
        "lower(email) = (select lower(email) from users where id = :user_id)",
        shown="affiliate_id email role status expires_at created_at",
        hidden="id version invited_by secret_hash updated_at",
        goes=True,
    ),
    Held(  # what is asked for with their address and not done yet
        "tasks",
        "lower(coalesce(arguments #>> '{wanted,email}', arguments ->> 'email'))"
        " = (select lower(email) from users where id = :user_id)",
        hidden="id name arguments due_at tries failed last_error correlation_id created_at causation_id actor",
        goes=True,
    ),
    Held(
        "address_proofs",
        "user_id = :user_id",
        shown="purpose email asked_at expires_at",
        hidden="id version user_id token_hash created_at updated_at",
        goes=True,
    ),
    Held(
        "users",
        "id = :user_id",
        shown="role locale timezone status deleted_at created_at updated_at",
        hidden="id version password_hash suspended_at second_factor_at email_verified_at",
        erased={
            "email": "'erased-' || id || '@mdh.invalid'",
            "full_name": "''",
            "password_hash": "''",
            "suspension_reason": "case when suspended_at is not null then '(erased)' end",
        },
    ),
    Held(
        "customers",
        "user_id = :user_id",
        shown="id deleted_at created_at updated_at",
        hidden="user_id",
        erased={"phone": "null"},
    ),
    Held(
        "customer_addresses",
        "customer_id = :customer_id",
        shown="label line1 line2 city state zip latitude longitude access_notes is_default created_at updated_at",
        hidden="id version customer_id",
        goes=True,
    ),
    Held(
        "vehicles",
        "customer_id = :customer_id",
        shown="year make model color size_class license_plate condition_notes created_at updated_at deleted_at",
        hidden="id version customer_id",
        goes=True,
    ),
    Held(
        "marketing_consents",
        "customer_id = :customer_id",
        shown="email sms created_at updated_at",
        hidden="id version customer_id",
        goes=True,
    ),
    Held(  # that it was given and taken back stays, as proof
        "consent_changes",
        "customer_id = :customer_id",
        shown="channel granted wording created_at",
        hidden="id customer_id",
        erased={"address": "null", "user_agent": "null"},
    ),
    Held(
        "affiliate_users",
        "user_id = :user_id",
        shown="affiliate_id role joined_at removed_at",
        hidden="id version user_id created_at updated_at",
    ),
    Held(
        "refresh_tokens",
        "user_id = :user_id",
        shown="device address created_at used_at expires_at revoked_at",
        hidden="id version user_id family family_began_at replaces_id token_hash salt updated_at",
        goes=True,
    ),
    Held(
        "second_factors",
        "user_id = :user_id",
        shown="created_at",
        hidden="user_id secret last_step updated_at",
        goes=True,
    ),
    Held(
        "recovery_codes",
        "user_id = :user_id",
        hidden="id user_id code_hash used_at created_at updated_at",
        goes=True,
    ),
    Held(
        "second_factor_challenges",
        "user_id = :user_id",
        hidden="id user_id user_version challenge_hash device expires_at tries used_at created_at updated_at",
        goes=True,
    ),
    Held(
        "export_parts",
        "export_id in (select id from exports where user_id = :user_id)",
        hidden="id export_id service part parts data created_at updated_at",
        goes=True,
    ),
    Held(
        "exports",
        "user_id = :user_id",
        shown="status created_at ready_at expires_at",
        hidden="id version user_id customer_id secret updated_at",
        goes=True,
    ),
    Held(
        "lookups",
        "user_id = :user_id",
        shown="created_at",
        hidden="id version user_id staff_id updated_at",
    ),
    Held(
        "oidc_links",
        "user_id = :user_id",
        shown="provider issuer subject email created_at last_used_at",
        hidden="id user_id updated_at",
        goes=True,
    ),
    Nobodys(
        "oidc_authorizations",
        "id provider state_hash browser_hash device return_to expires_at created_at updated_at",
        "a browser on its way, nobody yet, and forgotten when it is too late",
    ),
    Held(
        "impersonations",
        "user_id = :user_id",
        shown="expires_at ended_at created_at",
        hidden="id version staff_id user_id session updated_at",
        erased={"reason": "'(erased)'"},
    ),
    Held(
        "api_keys",
        "user_id = :user_id",
        shown="affiliate_id name prefix scopes created_at last_used_at expires_at revoked_at",
        hidden="id version user_id secret_hash updated_at",
        goes=True,
    ),
    Held(
        "live_bookings",
        "customer_id = :customer_id",
        shown="booking_id status appointment_end",
        hidden="version customer_id created_at updated_at",
    ),
    Nobodys(
        "erasures",
        "id version user_id customer_id secret_hash status due_at asked_at done_at booking_live_until created_at"
        " updated_at",
        "that there was one, and how it ended",
    ),
    Nobodys("erasure_receipts", "id erasure_id service counts created_at updated_at", "numbers of rows"),
    Nobodys(
        "attempts",
        "name key used most lasts longest strikes renews_at forgotten_at forgiven_at created_at updated_at",
        "whom they are about is hashed, and they are forgotten within a day",
    ),
)

personal = Personal(TABLES, PersonalDataExported, PersonalDataErased)
