"""What catalog holds of people: nothing but of those who own a business, and that is the business's.

An application that came to nothing is nobody's business: it is erased with the one who applied, and one that is still
to be decided is rejected then.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.catalog import PersonalDataErased, PersonalDataExported
from shared.contracts.identity import ErasureRequested
from shared.personal import Held, Nobodys, Personal, Table, stored_answers

from .commands.onboarding import reject_for_want_of_applicant

CAME_TO_NOTHING = "(application_status = 'rejected' or application_status = 'closed' and approved_at is null)"


def _unless_business(column: str, value: str) -> str:
    return f"case when {CAME_TO_NOTHING} then {value} else {column} end"


PRICES = {
    "price_lists": "id version affiliate_id minimum_cents tax_ppm created_at updated_at",
    "size_multipliers": "price_list_id size_class multiplier_bp created_at updated_at",
    "condition_multipliers": "price_list_id condition multiplier_bp created_at updated_at",
    "travel_bands": "price_list_id up_to_m fee_cents created_at updated_at",
    "add_ons": "id price_list_id name price_cents duration_minutes position active created_at updated_at deleted_at",
    "add_on_categories": "add_on_id category created_at",
    "promotions": "id version affiliate_id code percent_bp amount_cents starts_at ends_at max_uses"
    " max_uses_per_customer active created_at updated_at",
    "promotion_categories": "promotion_id category created_at",
}
TABLES: tuple[Table, ...] = (
    Held(
        "affiliates",
        "owner_user_id = :user_id",
        shown="id city state zip timezone service_radius_m application_status approved_at created_at updated_at"
        " deleted_at",
        hidden="version owner_user_id applied_by affiliate_tier cancellation_policy payment_mode"
        " latitude longitude rating review_count rating_version"
        " payout_status payouts_enabled payout_version",
        erased={
            "name": _unless_business("name", "'(erased)'"),
            "slug": _unless_business("slug", "'erased-' || id"),
            "email": _unless_business("email", "'erased@mdh.invalid'"),
            "phone": _unless_business("phone", "null"),
            "contact_name": _unless_business("contact_name", "null"),
            "insurer": _unless_business("insurer", "null"),
            "insurance_reference": _unless_business("insurance_reference", "null"),
            "insurance_expires_on": _unless_business("insurance_expires_on", "null"),
            "street": _unless_business("street", "null"),
            "rejection_reason": _unless_business("rejection_reason", "null"),
        },
    ),
    Held(
        "promotion_uses",
        "customer_id = :customer_id",
        shown="booking_id promotion_id created_at updated_at",
        hidden="customer_id version counts",
    ),
    Held(
        "affiliate_steps",
        "affiliate_id in (select id from affiliates where owner_user_id = :user_id)",
        shown="affiliate_id from_status to_status created_at",
        hidden="id changed_by",
        erased={
            "reason": "case when exists (select from affiliates a where a.id = affiliate_steps.affiliate_id"
            f" and {CAME_TO_NOTHING}) then null else reason end"
        },
    ),
    stored_answers("answer -> 'owner_user_id' = to_jsonb(:user_id)"),
    Nobodys(
        "team_members", "affiliate_user_id version affiliate_id user_id is_owner created_at updated_at", "identity's"
    ),
    Nobodys("people", "user_id version state created_at updated_at", "identity's"),
    Nobodys("free_days", "affiliate_id version days created_at updated_at", "an affiliate's"),
    Nobodys(
        "search_affiliates",
        "affiliate_id version listed name slug city state zip timezone latitude longitude service_radius_m"
        " service_zips south north west east rating_hundredths review_count rules_version rules free_days categories"
        " lowest_cents prices offered described document created_at updated_at",
        "an affiliate's, and only while it is public",
    ),
    Nobodys(
        "search_offers",
        "service_id affiliate_id version listed category name description tiers lowest_cents prices created_at"
        " updated_at",
        "an affiliate's",
    ),
    Nobodys("service_area_zips", "id affiliate_id zip created_at", "an affiliate's"),
    Nobodys("categories", "id slug version name position active created_at updated_at", "the platform's"),
    Nobodys(
        "services",
        "id version affiliate_id category name description active position created_at updated_at deleted_at",
        "an affiliate's",
    ),
    Nobodys(
        "service_tiers",
        "id service_id name price_cents duration_minutes included position active created_at updated_at deleted_at",
        "an affiliate's",
    ),
    *(Nobodys(table, columns, "an affiliate's") for table, columns in PRICES.items()),
    Nobodys("tier_size_prices", "id tier_id size_class price_cents created_at updated_at", "an affiliate's"),
    Nobodys("service_photos", "id service_id position url created_at updated_at", "an affiliate's"),
    Nobodys(
        "mdh_config",
        "id version currency commission_bp hold_minutes lead_minutes horizon_days free_cancellation_hours"
        " late_cancellation_fee_bp commission_rates cancellation_policies deposit tips_allowed max_open_holds features"
        " payment_modes created_at updated_at",
        "the platform's",
    ),
    Nobodys("mdh_config_history", "id version changed_by operator changes created_at", "who of staff it was"),
)


async def _end_applications(event: ErasureRequested, session: AsyncSession) -> None:
    await reject_for_want_of_applicant(session, event.user_id)


personal = Personal(TABLES, PersonalDataExported, PersonalDataErased, first=_end_applications)
