"""What analytics holds of people: which events they caused. What is personal in events never comes to rest here."""

from shared.contracts.analytics import PersonalDataErased, PersonalDataExported
from shared.personal import Held, Nobodys, Personal

TABLES = (
    Held(
        "analytics_events",
        "user_id = :user_id",
        shown="event_name properties occurred_at",
        hidden="id event_id created_at user_id session_id",
        erased={"user_id": "null", "session_id": "null"},
    ),
    Nobodys(
        "business_metrics",
        "id metric_name metric_date dimensions metric_value recorded_at affiliate_id currency created_at updated_at",
        "sums",
    ),
)

personal = Personal(TABLES, PersonalDataExported, PersonalDataErased)
