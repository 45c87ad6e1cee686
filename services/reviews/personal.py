"""What reviews holds of people: their words. The stars stay, for the rating they are part of."""

from shared.contracts.reviews import PersonalDataErased, PersonalDataExported
from shared.personal import Held, Nobodys, Personal

TABLES = (
    Held(
        "reviews",
        "customer_id = :customer_id",
        shown="id booking_id affiliate_id rating create_time deleted_at created_at updated_at",
        hidden="version customer_id source",
        erased={"comment": "''"},
    ),
    Held(
        "bookings",
        "customer_id = :customer_id",
        shown="booking_id affiliate_id status",
        hidden="version customer_id created_at updated_at",
    ),
    Nobodys(
        "affiliate_ratings",
        "id version affiliate_id rating_sum review_count created_at updated_at",
        "what all reviews come to",
    ),
)

personal = Personal(TABLES, PersonalDataExported, PersonalDataErased)
