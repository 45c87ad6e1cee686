"""What support may do in a user's name: a route that nobody has decided upon fails the build.

`allowed`: what the user could do. `refused`: only the user in person, or only staff as themselves; money moves or may
come to move, or it is about who somebody is. `public`: no token is asked for.
"""

from dataclasses import replace

import pytest

from shared.auth import NotWhileImpersonating
from shared.provision import SERVICES

from .stages import Stage
from .test_matrix import MATRIX, cell

TABLE = """
identity
GET /.well-known/jwks.json                       public
GET /me                                          allowed
PATCH /me                                        allowed
GET /me/addresses                                allowed
POST /me/addresses                               allowed
GET /me/addresses/{address_id}                   allowed
PUT /me/addresses/{address_id}                   allowed
DELETE /me/addresses/{address_id}                allowed
GET /me/vehicles                                 allowed
POST /me/vehicles                                allowed
GET /me/vehicles/{vehicle_id}                    allowed
PUT /me/vehicles/{vehicle_id}                    allowed
DELETE /me/vehicles/{vehicle_id}                 allowed
GET /me/consents/marketing                       allowed
PUT /me/consents/marketing                       refused
GET /me/consents/marketing/history               allowed
GET /affiliates/{affiliate_id}/members           allowed
PATCH /affiliates/{affiliate_id}/members/{user_id} refused
DELETE /affiliates/{affiliate_id}/members/{user_id} refused
POST /affiliates/{affiliate_id}/handover         refused
GET /affiliates/{affiliate_id}/invitations       allowed
POST /affiliates/{affiliate_id}/invitations      refused
DELETE /affiliates/{affiliate_id}/invitations/{invitation_id} allowed
POST /invitations/accept                         refused
POST /login                                      public
POST /login/second-factor                        public
POST /logout                                     public
POST /refresh                                    public
POST /register                                   public
GET /sessions                                    allowed
DELETE /sessions                                 refused
DELETE /sessions/{session_id}                    refused
GET /oidc/providers                              public
POST /oidc/{provider}/authorizations             public
GET /oidc/{provider}/callback                    public
GET /oidc/links                                  allowed
DELETE /oidc/links/{link_id}                     refused
GET /second-factor                               allowed
POST /second-factor                              refused
POST /second-factor/confirm                      refused
POST /second-factor/disable                      refused
POST /second-factor/recovery-codes               refused
POST /password                                   refused
POST /password/resets                            public
POST /password/resets/confirm                    public
POST /email-changes                              refused
POST /email-changes/confirm                      public
POST /me/close                                   refused
POST /email-verifications                        public
POST /email-verifications/resend                 public
GET /users                                       refused
GET /users/{user_id}                             refused
POST /users/{user_id}/suspend                    refused
POST /users/{user_id}/reinstate                  refused
PUT /users/{user_id}/role                        refused
DELETE /users/{user_id}/second-factor            refused
GET /impersonations                              refused
POST /impersonations                             refused
DELETE /impersonations/{impersonation_id}        refused
GET /api-keys                                    allowed
POST /api-keys                                   refused
DELETE /api-keys/{api_key_id}                    refused
POST /tokens                                     public
GET /me/export                                   refused
POST /me/exports                                 refused
GET /me/export/archive                           refused
POST /exports/fetch                              public
POST /me/erasure                                 refused
POST /erasures/look-up                           public

catalog
GET /affiliates                                  public
GET /service-area                                public
POST /affiliates                                 allowed
GET /affiliates/applications                     allowed
GET /affiliates/{affiliate_id}                   allowed
PATCH /affiliates/{affiliate_id}                 allowed
GET /affiliates/{affiliate_id}/steps             allowed
POST /affiliates/{affiliate_id}/review           refused
POST /affiliates/{affiliate_id}/request-changes  refused
POST /affiliates/{affiliate_id}/resubmit         allowed
POST /affiliates/{affiliate_id}/suspend          refused
POST /affiliates/{affiliate_id}/reinstate        refused
POST /affiliates/{affiliate_id}/close            refused
PUT /affiliates/{affiliate_id}/tier              refused
POST /affiliates/{affiliate_id}/approve          refused
POST /affiliates/{affiliate_id}/reject           refused
GET /affiliates/{affiliate_id}/services          allowed
POST /affiliates/{affiliate_id}/services         refused
GET /affiliates/{affiliate_id}/service-area      allowed
PUT /affiliates/{affiliate_id}/service-area      allowed
GET /affiliates/{affiliate_id}/price-list        allowed
PUT /affiliates/{affiliate_id}/price-list        refused
POST /affiliates/{affiliate_id}/add-ons          refused
PUT /affiliates/{affiliate_id}/add-ons/{add_on_id} refused
DELETE /affiliates/{affiliate_id}/add-ons/{add_on_id} refused
GET /affiliates/{affiliate_id}/services/export   allowed
POST /affiliates/{affiliate_id}/services/import  refused
PUT /affiliates/{affiliate_id}/services/order    allowed
POST /price-checks                               public
GET /categories                                  public
POST /categories                                 refused
GET /categories/all                              refused
PUT /categories/order                            refused
PATCH /categories/{category_id}                  refused
GET /config                                      allowed
GET /promotions                                  allowed
POST /promotions                                 refused
GET /promotions/{promotion_id}                   allowed
PUT /promotions/{promotion_id}                   refused
POST /promotions/{promotion_id}/end              refused
PATCH /config                                    refused
GET /config/history                              refused
GET /services/{service_id}                       allowed
PUT /services/{service_id}                       refused
PUT /services/{service_id}/active                allowed
PUT /services/{service_id}/tiers/{tier_id}/active allowed
PUT /services/{service_id}/photos                allowed
DELETE /services/{service_id}                    allowed

booking
GET /affiliates/{affiliate_id}/availability      public
PUT /affiliates/{affiliate_id}/availability      allowed
GET /affiliates/{affiliate_id}/schedule-settings public
PUT /affiliates/{affiliate_id}/schedule-settings allowed
GET /affiliates/{affiliate_id}/exceptions        allowed
POST /affiliates/{affiliate_id}/exceptions       allowed
DELETE /affiliates/{affiliate_id}/exceptions/{exception_id} allowed
GET /affiliates/{affiliate_id}/crews             allowed
POST /affiliates/{affiliate_id}/crews            allowed
PUT /affiliates/{affiliate_id}/crews/{crew_id}   allowed
POST /affiliates/{affiliate_id}/crews/{crew_id}/deactivate allowed
POST /affiliates/{affiliate_id}/crews/{crew_id}/activate allowed
GET /bookings                                    allowed
POST /bookings                                   allowed
GET /bookings/{booking_id}                       allowed
POST /bookings/{booking_id}/cancel               refused
GET /bookings/{booking_id}/rivals                allowed
POST /bookings/{booking_id}/accept               refused
POST /bookings/{booking_id}/decline              refused
POST /bookings/{booking_id}/reschedule           refused
POST /bookings/{booking_id}/propose              refused
POST /bookings/{booking_id}/extras               refused
POST /bookings/{booking_id}/extras/agree         refused
POST /bookings/{booking_id}/extras/drop          refused
POST /bookings/{booking_id}/set-out              refused
POST /bookings/{booking_id}/start                refused
POST /bookings/{booking_id}/complete             refused
POST /bookings/{booking_id}/no-show              refused
GET /quotes                                      allowed
POST /quotes                                     allowed
GET /quotes/{quote_id}                           allowed
POST /quotes/{quote_id}/price                    refused
POST /quotes/{quote_id}/decline                  refused
POST /quotes/{quote_id}/withdraw                 allowed
POST /quotes/{quote_id}/accept                   allowed
GET /quotes/{quote_id}/messages                  allowed
POST /quotes/{quote_id}/messages                 refused
GET /series                                      allowed
POST /series                                     allowed
GET /series/{series_id}                          allowed
POST /series/{series_id}/change                  refused
POST /series/{series_id}/pause                   allowed
POST /series/{series_id}/resume                  allowed
POST /series/{series_id}/end                     refused
GET /series/{series_id}/visits                   allowed
POST /series/{series_id}/visits/{on_date}/skip   allowed
POST /series/{series_id}/visits/{on_date}/take   allowed
GET /slots                                       public
GET /slots/nearby                                public
GET /slots/why                                   allowed
GET /affiliates/{affiliate_id}/calendars         allowed
POST /affiliates/{affiliate_id}/calendars        allowed
DELETE /affiliates/{affiliate_id}/calendars/{calendar_id} allowed
POST /affiliates/{affiliate_id}/calendars/{calendar_id}/fetch allowed
GET /feeds                                       allowed
POST /feeds                                      refused
DELETE /feeds/{feed_id}                          allowed
GET /calendars/{token}.ics                       public

payments
GET /affiliates/{affiliate_id}/balance           allowed
POST /affiliates/{affiliate_id}/onboarding-links refused
GET /affiliates/{affiliate_id}/payout-account    allowed
POST /affiliates/{affiliate_id}/payout-account/release refused
GET /payout-accounts/held                        refused
GET /affiliates/{affiliate_id}/payouts           allowed
GET /affiliates/{affiliate_id}/statements        allowed
GET /affiliates/{affiliate_id}/statements/{month} allowed
GET /affiliates/{affiliate_id}/statements/{month}/csv allowed
GET /affiliates/{affiliate_id}/statements/{month}/pdf allowed
GET /payouts                                     refused
GET /payouts/{payout_id}                         allowed
POST /payouts/{payout_id}/retry                  refused
GET /bookings/{booking_id}/payments              allowed
GET /billing-name                                allowed
PUT /billing-name                                refused
DELETE /billing-name                             refused
GET /cards                                       allowed
DELETE /cards/{card_id}                          refused
PUT /payments/{payment_id}/card                  refused
PUT /payments/{payment_id}/kept-card             refused
POST /bookings/{booking_id}/tips                 refused
GET /payments                                    allowed
GET /payments/{payment_id}                       allowed
POST /payments/{payment_id}/refund-requests      refused
GET /refund-requests                             refused
GET /refund-requests/{refund_request_id}         refused
POST /refund-requests/{refund_request_id}/approve refused
POST /refund-requests/{refund_request_id}/decline refused
GET /disputes                                    allowed
GET /disputes/{dispute_id}                       allowed
GET /discrepancies                               refused
GET /discrepancies/{discrepancy_id}              refused
POST /discrepancies/{discrepancy_id}/assign      refused
POST /discrepancies/{discrepancy_id}/explain     refused
POST /discrepancies/{discrepancy_id}/resolve     refused
GET /invoices                                    allowed
GET /invoices/{invoice_id}                       allowed
GET /invoices/{invoice_id}/pdf                   allowed
POST /webhooks/stripe                            public

reviews
GET /affiliates/{affiliate_id}/rating            public
GET /reviews                                     public
POST /reviews                                    refused
GET /reviews/{review_id}                         public
PATCH /reviews/{review_id}                       refused
DELETE /reviews/{review_id}                      allowed

notifications
GET /communications                              allowed
GET /notifications                               allowed
POST /notifications/read-all                     allowed
POST /notifications/{notification_id}/read       allowed

analytics
GET /metrics                                     allowed
POST /metrics/rebuild                            refused
GET /summary                                     refused
"""
STAFF = ("support", "admin")
TURNS = 3


def read(table: str) -> dict[str, str]:
    found = {}
    for block in table.strip().split("\n\n"):
        name, *rows = block.splitlines()
        for method, path, word in (row.split() for row in rows):
            found[f"{method} /{name}/v1{path}"] = word
    return found


MAY = read(TABLE)


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_for_every_route_it_is_decided() -> None:
    routes = {route for rows in MATRIX.values() for route in rows}
    assert MAY.keys() == routes, "say in TABLE whether support may do this in a user's name; if not, it needs InPerson"
    assert set(MAY.values()) == {"allowed", "refused", "public"}


async def test_in_a_users_name_support_may_what_the_table_says(stage: Stage) -> None:
    rows, wrong = MATRIX[stage.service], []
    for number, (route, cells) in enumerate(rows.items()):
        acted_for = [role for role in stage.cast if role not in STAFF or MAY[route] == "refused"]  # or nobody acts so
        for role in some_of(acted_for, cells, number):
            actor = stage.cast[role]
            expected = "403" if MAY[route] == "refused" else cells["anonymous" if MAY[route] == "public" else role]
            seen, code = await asked(stage, route, stage.as_(replace(actor, impersonator=10**6)))
            if seen != expected or (MAY[route] == "refused" and code != NotWhileImpersonating().code):
                wrong.append(f"{route} as {role}: {seen} {code} instead of {expected}")
    assert not wrong, "\n".join(["", *wrong])


def some_of(roles: list[str], cells: dict[str, str], number: int) -> list[str]:
    """One who may, first, and of all a third: the matrix asks everybody, here the roles take turns over the routes."""
    may = [role for role in roles if cells[role].startswith("2")] or roles
    return list(dict.fromkeys([may[number % len(may)], *roles[number % TURNS :: TURNS]]))


async def asked(stage: Stage, route: str, headers: dict[str, str]) -> tuple[str, str]:
    """The matrix's cell, and the refusal's code; the stage is left as it was."""
    point = await stage.connection.begin_nested()
    answer = await stage.send(route, headers)
    await point.rollback()
    refused = answer.json()["type"].removeprefix("/problems/") if answer.status_code >= 400 else ""
    return cell(answer), refused
