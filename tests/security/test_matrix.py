"""P16: who may what. Every route of every service, asked by everybody: a route without a row fails the build.

A cell is the status; behind a slash, how many things of the stage a list shows. `customer` is the one whom everything
on the stage is about, the team is that of the affiliate on it, `rival` owns another one.
"""

from typing import Any

import httpx
import pytest

from shared.cli.docs import load_example
from shared.provision import SERVICES

from .stages import Stage

TABLE = """
identity                             anonymous customer other owner manager technician rival support admin
GET /.well-known/jwks.json                 200      200   200   200     200        200   200     200   200
GET /me/export                             401      200   202   202     202        202   202     202   202
POST /me/exports                           401      200   202   202     202        202   202     202   202
GET /me/export/archive                     401      200   404   404     404        404   404     404   404
POST /exports/fetch                        200      200   200   200     200        200   200     200   200
POST /me/erasure                           401      202   202   409     202        202   409     202   409
POST /erasures/look-up                     200      200   200   200     200        200   200     200   200
GET /me                                    401      200   200   200     200        200   200     200   200
PATCH /me                                  401      200   200   200     200        200   200     200   200
POST /email-verifications                  204      204   204   204     204        204   204     204   204
POST /email-verifications/resend           202      202   202   202     202        202   202     202   202
POST /password                             401      200   200   200     200        200   200     200   200
POST /password/resets                      202      202   202   202     202        202   202     202   202
POST /password/resets/confirm              204      204   204   204     204        204   204     204   204
POST /email-changes                        401      202   202   202     202        202   202     202   202
POST /email-changes/confirm                204      204   204   204     204        204   204     204   204
POST /me/close                             401      204   204   409     204        204   409     204   409
POST /login                                200      200   200   200     200        200   200     200   200
POST /login/second-factor                  200      200   200   200     200        200   200     200   200
POST /logout                               204      204   204   204     204        204   204     204   204
POST /refresh                              200      200   200   200     200        200   200     200   200
DELETE /sessions                           401      204   204   204     204        204   204     204   204
DELETE /sessions/{session_id}              401      204   404   404     404        404   404     404   404
GET /sessions                              401    200/1 200/0 200/0   200/0      200/0 200/0   200/0 200/0
GET /users                                 401      403   403   403     403        403   403   200/9 200/9
GET /users/{user_id}                       401      403   403   403     403        403   403     200   200
POST /users/{user_id}/suspend              401      403   403   403     403        403   403     200   200
POST /users/{user_id}/reinstate            401      403   403   403     403        403   403     200   200
PUT /users/{user_id}/role                  401      403   403   403     403        403   403     403   200
DELETE /users/{user_id}/second-factor      401      403   403   403     403        403   403     403   200
GET /oidc/providers                      200/1    200/1 200/1 200/1   200/1      200/1 200/1   200/1 200/1
POST /oidc/{provider}/authorizations       201      201   201   201     201        201   201     201   201
GET /oidc/{provider}/callback              400      400   400   400     400        400   400     400   400
GET /oidc/links                            401    200/1 200/0 200/0   200/0      200/0 200/0   200/0 200/0
DELETE /oidc/links/{link_id}               401      204   404   404     404        404   404     404   404
GET /second-factor                         401      200   200   200     200        200   200     200   200
POST /second-factor                        401      200   409   200     200        200   200     200   200
POST /second-factor/confirm                401      200   409   404     404        404   404     404   404
POST /second-factor/disable                401      404   204   404     404        404   404     404   404
POST /second-factor/recovery-codes         401      404   200   404     404        404   404     404   404
POST /register                             202      202   202   202     202        202   202     202   202
GET /impersonations                        401      403   403   403     403        403   403   200/1 200/1
POST /impersonations                       401      403   403   403     403        403   403     201   201
DELETE /impersonations/{impersonation_id}  401      403   403   403     403        403   403     204   204
GET /api-keys                              401    200/0 200/0 200/1   200/1      200/0 200/0   200/0 200/1
POST /api-keys                             401      403   403   201     201        403   403     403   403
DELETE /api-keys/{api_key_id}              401      404   404   204     204        404   404     404   204
POST /tokens                               200      200   200   200     200        200   200     200   200
GET /me/addresses                          401    200/1 200/0   403     403        403   403     403   403
POST /me/addresses                         401      201   201   403     403        403   403     403   403
GET /me/addresses/{address_id}             401      200   404   403     403        403   403     403   403
PUT /me/addresses/{address_id}             401      200   404   403     403        403   403     403   403
DELETE /me/addresses/{address_id}          401      204   404   403     403        403   403     403   403
GET /me/vehicles                           401    200/1 200/0   403     403        403   403     403   403
POST /me/vehicles                          401      201   201   403     403        403   403     403   403
GET /me/vehicles/{vehicle_id}              401      200   404   403     403        403   403     403   403
PUT /me/vehicles/{vehicle_id}              401      200   404   403     403        403   403     403   403
DELETE /me/vehicles/{vehicle_id}           401      204   404   403     403        403   403     403   403
GET /me/consents/marketing                 401      200   200   403     403        403   403     403   403
PUT /me/consents/marketing                 401      200   200   403     403        403   403     403   403
GET /me/consents/marketing/history         401    200/1 200/0   403     403        403   403     403   403
GET /affiliates/{affiliate_id}/members     401      404   404 200/3   200/3      200/3   404   200/3 200/3
PATCH /affiliates/{affiliate_id}/members/{user_id}
                                           401      404   404   200     403        403   404     403   403
DELETE /affiliates/{affiliate_id}/members/{user_id}
                                           401      404   404   204     204        204   404     403   403
POST /affiliates/{affiliate_id}/handover   401      404   404   200     403        403   404     403   403
GET /affiliates/{affiliate_id}/invitations 401      404   404 200/1   200/1        403   404   200/1 200/1
POST /affiliates/{affiliate_id}/invitations
                                           401      404   404   201     201        403   404     403   403
DELETE /affiliates/{affiliate_id}/invitations/{invitation_id}
                                           401      404   404   204     204        403   404     403   403
POST /invitations/accept                   401      200   403   403     403        403   403     403   403

catalog                              anonymous customer other owner manager technician rival support admin
GET /affiliates                          200/1    200/1 200/1 200/1   200/1      200/1 200/1   200/1 200/1
POST /affiliates                           401      201   201   409     201        201   201     201   201
GET /service-area                        200      200   200   200     200        200   200     200   200
GET /affiliates/applications               401    200/0 200/0 200/2   200/0      200/0 200/0   200/4 200/4
GET /affiliates/{affiliate_id}             404      404   404   200     200        200   404     200   200
PATCH /affiliates/{affiliate_id}           401      403   403   200     200        403   403     403   403
GET /affiliates/{affiliate_id}/steps       401      404   404 200/2   200/2      200/2   404   200/2 200/2
POST /affiliates/{affiliate_id}/review     401      403   403   403     403        403   403     403   200
POST /affiliates/{affiliate_id}/request-changes
                                           401      403   403   403     403        403   403     403   200
POST /affiliates/{affiliate_id}/resubmit   401      404   404   200     200        403   404     403   403
PUT /affiliates/{affiliate_id}/tier        401      403   403   403     403        403   403     403   200
POST /affiliates/{affiliate_id}/approve    401      403   403   403     403        403   403     403   200
POST /affiliates/{affiliate_id}/reject     401      403   403   403     403        403   403     403   200
POST /affiliates/{affiliate_id}/suspend    401      403   403   403     403        403   403     403   200
POST /affiliates/{affiliate_id}/reinstate  401      403   403   403     403        403   403     403   200
POST /affiliates/{affiliate_id}/close      401      403   403   200     403        403   403     403   403
GET /affiliates/{affiliate_id}/services  200/1    200/1 200/1 200/2   200/2      200/2 200/1   200/2 200/2
POST /affiliates/{affiliate_id}/services   401      403   403   201     201        403   403     403   403
GET /affiliates/{affiliate_id}/service-area
                                           200      200   200   200     200        200   200     200   200
PUT /affiliates/{affiliate_id}/service-area
                                           401      403   403   200     200        403   403     403   403
GET /affiliates/{affiliate_id}/price-list  200      200   200   200     200        200   200     200   200
PUT /affiliates/{affiliate_id}/price-list  401      403   403   200     200        403   403     403   403
POST /affiliates/{affiliate_id}/add-ons    401      403   403   201     201        403   403     403   403
PUT /affiliates/{affiliate_id}/add-ons/{add_on_id}
                                           401      403   403   200     200        403   403     403   403
DELETE /affiliates/{affiliate_id}/add-ons/{add_on_id}
                                           401      403   403   204     204        403   403     403   403
GET /affiliates/{affiliate_id}/services/export
                                           401      403   403   200     200        200   403     200   200
POST /affiliates/{affiliate_id}/services/import
                                           401      403   403   200     200        403   403     403   403
PUT /affiliates/{affiliate_id}/services/order
                                           401      403   403 200/2   200/2        403   403     403   403
POST /price-checks                         200      200   200   200     200        200   200     200   200
GET /categories                          200/5    200/5 200/5 200/5   200/5      200/5 200/5   200/5 200/5
POST /categories                           401      403   403   403     403        403   403     403   201
GET /categories/all                        401      403   403   403     403        403   403   200/5 200/5
PUT /categories/order                      401      403   403   403     403        403   403     403 200/5
PATCH /categories/{category_id}            401      403   403   403     403        403   403     403   200
GET /config                                200      200   200   200     200        200   200     200   200
GET /promotions                            401      403   403 200/1   200/1        403   403   200/1 200/1
POST /promotions                           401      403   403   201     201        403   403     403   403
GET /promotions/{promotion_id}             401      404   404   200     200        404   404     200   200
PUT /promotions/{promotion_id}             401      404   404   200     200        404   404     403   403
POST /promotions/{promotion_id}/end        401      404   404   200     200        404   404     403   403
PATCH /config                              401      403   403   403     403        403   403     403   200
GET /config/history                        401      403   403   403     403        403   403   200/1 200/1
GET /services/{service_id}                 404      404   404   200     200        200   404     200   200
PUT /services/{service_id}                 401      403   403   200     200        403   403     403   403
PUT /services/{service_id}/active          401      403   403   200     200        403   403     403   403
PUT /services/{service_id}/tiers/{tier_id}/active
                                           401      403   403   200     200        403   403     403   403
PUT /services/{service_id}/photos          401      403   403   200     200        403   403     403   403
DELETE /services/{service_id}              401      403   403   204     204        403   403     403   403

booking                              anonymous customer other owner manager technician rival support admin
GET /affiliates/{affiliate_id}/availability
                                           200      200   200   200     200        200   200     200   200
PUT /affiliates/{affiliate_id}/availability
                                           401      403   403   200     200        403   403     200   200
GET /affiliates/{affiliate_id}/schedule-settings
                                           200      200   200   200     200        200   200     200   200
PUT /affiliates/{affiliate_id}/schedule-settings
                                           401      403   403   200     200        403   403     200   200
GET /affiliates/{affiliate_id}/exceptions  401      403   403 200/1   200/1      200/1   403   200/1 200/1
POST /affiliates/{affiliate_id}/exceptions 401      403   403   201     201        403   403     201   201
DELETE /affiliates/{affiliate_id}/exceptions/{exception_id}
                                           401      403   403   204     204        403   403     204   204
GET /affiliates/{affiliate_id}/crews       401      403   403 200/2   200/2      200/2   403   200/2 200/2
POST /affiliates/{affiliate_id}/crews      401      403   403   201     201        403   403     201   201
PUT /affiliates/{affiliate_id}/crews/{crew_id}
                                           401      403   403   200     200        403   403     200   200
POST /affiliates/{affiliate_id}/crews/{crew_id}/deactivate
                                           401      403   403   200     200        403   403     200   200
POST /affiliates/{affiliate_id}/crews/{crew_id}/activate
                                           401      403   403   200     200        403   403     200   200
GET /bookings                              401    200/4 200/0 200/4   200/4      200/4 200/0   200/4 200/4
POST /bookings                             401      201   201   403     403        403   403     403   403
GET /bookings/{booking_id}                 401      200   404   200     200        200   404     200   200
POST /bookings/{booking_id}/cancel         401      200   404   200     200        403   404     403   200
GET /bookings/{booking_id}/rivals          401      403   404 200/0   200/0      200/0   404   200/0 200/0
POST /bookings/{booking_id}/accept         401      403   404   200     200        403   404     403   403
POST /bookings/{booking_id}/decline        401      403   404   200     200        403   404     403   403
POST /bookings/{booking_id}/reschedule     401      200   404   403     403        403   404     403   403
POST /bookings/{booking_id}/propose        401      403   404   200     200        403   404     403   403
POST /bookings/{booking_id}/extras         401      403   404   200     200        200   404     403   403
POST /bookings/{booking_id}/extras/agree   401      200   404   403     403        403   404     403   403
POST /bookings/{booking_id}/extras/drop    401      200   404   200     200        200   404     403   403
POST /bookings/{booking_id}/set-out        401      403   404   200     200        200   404     403   403
POST /bookings/{booking_id}/start          401      403   404   200     200        200   404     403   403
POST /bookings/{booking_id}/complete       401      403   404   200     200        200   404     403   200
POST /bookings/{booking_id}/no-show        401      403   404   200     200        200   404     403   200
GET /quotes                                401    200/2 200/0 200/2   200/2      200/2 200/0   200/2 200/2
POST /quotes                               401      201   201   403     403        403   403     403   403
GET /quotes/{quote_id}                     401      200   404   200     200        200   404     200   200
POST /quotes/{quote_id}/price              401      403   404   200     200        403   404     403   403
POST /quotes/{quote_id}/decline            401      403   404   200     200        403   404     403   403
POST /quotes/{quote_id}/withdraw           401      200   404   403     403        403   404     403   403
POST /quotes/{quote_id}/accept             401      201   404   403     403        403   403     403   403
GET /quotes/{quote_id}/messages            401    200/1   404 200/1   200/1      200/1   404   200/1 200/1
POST /quotes/{quote_id}/messages           401      201   404   201     201        201   404     403   403
GET /series                                401    200/2 200/0 200/2   200/2      200/2 200/0   200/2 200/2
POST /series                               401      201   201   403     403        403   403     403   403
GET /series/{series_id}                    401      200   404   200     200        200   404     200   200
POST /series/{series_id}/change            401      201   404   403     403        403   403     403   403
POST /series/{series_id}/pause             401      200   404   403     403        403   404     403   403
POST /series/{series_id}/resume            401      200   404   403     403        403   404     403   403
POST /series/{series_id}/end               401      200   404   200     200        403   404     403   403
GET /series/{series_id}/visits             401    200/1   404 200/1   200/1      200/1   404   200/1 200/1
POST /series/{series_id}/visits/{on_date}/skip
                                           401      200   404   403     403        403   404     403   403
POST /series/{series_id}/visits/{on_date}/take
                                           401      201   404   403     403        403   403     403   403
GET /slots                                 200      200   200   200     200        200   200     200   200
GET /slots/nearby                        200/1    200/1 200/1 200/1   200/1      200/1 200/1   200/1 200/1
GET /slots/why                             401      403   403   200     200        200   403     200   200
GET /affiliates/{affiliate_id}/calendars   401      403   403 200/1   200/1      200/1   403   200/1 200/1
POST /affiliates/{affiliate_id}/calendars   401      403   403   201     201        403   403     403   403
DELETE /affiliates/{affiliate_id}/calendars/{calendar_id}
                                           401      403   403   204     204        403   403     403   403
POST /affiliates/{affiliate_id}/calendars/{calendar_id}/fetch
                                           401      403   403   202     202        403   403     403   403
GET /feeds                                 401    200/0 200/0 200/1   200/1      200/0 200/0   200/0 200/0
POST /feeds                                401      403   403   201     201        403   403     403   403
DELETE /feeds/{feed_id}                    401      404   404   204     204        404   404     404   404
GET /calendars/{token}.ics                 200      200   200   200     200        200   200     200   200

payments                                     anonymous customer other owner manager technician rival support admin
GET /affiliates/{affiliate_id}/balance             401      403   403 200/0   200/0      403   403   200/0 200/0
POST /affiliates/{affiliate_id}/onboarding-links   401      404   404   409     403        404   404     403   403
GET /affiliates/{affiliate_id}/payout-account      401      404   404   200     200        404   404     200   200
POST /affiliates/{affiliate_id}/payout-account/release
                                                   401      403   403   403     403        403   403     403   409
GET /payout-accounts/held                          401      403   403   403     403        403   403   200/0 200/0
GET /affiliates/{affiliate_id}/payouts             401      403   403 200/1   200/1        403   403   200/1 200/1
GET /affiliates/{affiliate_id}/statements          401      403   403 200/0   200/0        403   403   200/0 200/0
GET /affiliates/{affiliate_id}/statements/{month}  401      403   403 200     200          403   403   200   200
GET /affiliates/{affiliate_id}/statements/{month}/csv
                                                   401      403   403 200     200          403   403   200   200
GET /affiliates/{affiliate_id}/statements/{month}/pdf
                                                   401      403   403 200     200          403   403   200   200
GET /payouts                                       401      403   403   403     403        403   403   200/1 200/1
GET /payouts/{payout_id}                           401      404   404 200/1   200/1        404   404   200/1 200/1
POST /payouts/{payout_id}/retry                    401      403   403   403     403        403   403     409   409
GET /bookings/{booking_id}/payments                401    200/1   404 200/1   200/1        404   404   200/1 200/1
GET /billing-name                                  401      404   404   403     403        403   403     403   403
PUT /billing-name                                  401      200   200   403     403        403   403     403   403
DELETE /billing-name                               401      204   204   403     403        403   403     403   403
GET /cards                                         401    200/1 200/0   403     403        403   403     403   403
DELETE /cards/{card_id}                            401      204   404   403     403        403   403     403   403
PUT /payments/{payment_id}/card                    401      503   404   403     403        403   403     403   403
PUT /payments/{payment_id}/kept-card               401      503   404   403     403        403   403     403   403
POST /bookings/{booking_id}/tips                   401      201   404   403     403        403   403     403   403
GET /payments                                      401      200   404   200     200        404   404     200   200
GET /payments/{payment_id}                         401      200   404   200     200        404   404     200   200
POST /payments/{payment_id}/refund-requests        401      403   403   403     403        403   403     403   201
GET /refund-requests                               401      403   403   403     403        403   403   200/1 200/1
GET /refund-requests/{refund_request_id}           401      403   403   403     403        403   403     200   200
POST /refund-requests/{refund_request_id}/approve  401      403   403   403     403        403   403     403   200
POST /refund-requests/{refund_request_id}/decline  401      403   403   403     403        403   403     403   200
GET /disputes                                      401    200/0 200/0 200/1   200/1      200/0 200/0   200/1 200/1
GET /disputes/{dispute_id}                         401      404   404   200     200        404   404     200   200
GET /discrepancies                                 401      403   403   403     403        403   403   200/1 200/1
GET /discrepancies/{discrepancy_id}                401      403   403   403     403        403   403     200   200
POST /discrepancies/{discrepancy_id}/assign        401      403   403   403     403        403   403     200   200
POST /discrepancies/{discrepancy_id}/explain       401      403   403   403     403        403   403     200   200
POST /discrepancies/{discrepancy_id}/resolve       401      403   403   403     403        403   403     200   200
GET /invoices                                      401    200/1 200/0 200/1   200/1      200/0 200/0   200/1 200/1
GET /invoices/{invoice_id}                         401      200   404   200     200        404   404     200   200
GET /invoices/{invoice_id}/pdf                     401      200   404   200     200        404   404     200   200
POST /webhooks/stripe                              400      400   400   400     400        400   400     400   400

reviews                              anonymous customer other owner manager technician rival support admin
GET /affiliates/{affiliate_id}/rating      200      200   200   200     200        200   200     200   200
GET /reviews                             200/1    200/1 200/1 200/1   200/1      200/1 200/1   200/1 200/1
POST /reviews                              401      201   404   403     403        403   403     403   403
GET /reviews/{review_id}                   200      200   200   200     200        200   200     200   200
PATCH /reviews/{review_id}                 401      200   403   403     403        403   403     403   403
DELETE /reviews/{review_id}                401      204   403   403     403        403   403     204   204

notifications                        anonymous customer other owner manager technician rival support admin
GET /communications                        401    200/1 200/0 200/0   200/0      200/0 200/0   200/1 200/1
GET /notifications                         401    200/1 200/0 200/0   200/0      200/0 200/0   200/0 200/0
POST /notifications/read-all               401      200   200   200     200        200   200     200   200
POST /notifications/{notification_id}/read
                                           401      200   404   404     404        404   404     404   404

analytics                            anonymous customer other owner manager technician rival support admin
GET /metrics                               401      403   403   200     200        403   403     200   200
POST /metrics/rebuild                      401      403   403   403     403        403   403     403   200
GET /summary                               401      403   403   403     403        403   403     200   200
"""
Cells = dict[str, str]


def read(table: str) -> dict[str, dict[str, Cells]]:
    """By service, then by route: what each role gets."""
    found: dict[str, dict[str, Cells]] = {}
    for block in table.strip().split("\n\n"):
        [service, *roles], *rows = (line.split() for line in block.replace("\n  ", "  ").splitlines())
        found[service] = {
            f"{method} /{service}/v1{path}": dict(zip(roles, cells, strict=True)) for method, path, *cells in rows
        }
    return found


MATRIX = read(TABLE)


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_route_of_every_service_has_a_row() -> None:
    routes = {
        f"{method.upper()} {path}"
        for service in SERVICES
        for path, methods in load_example(service).openapi()["paths"].items()
        for method in methods
    }
    assert routes == {route for rows in MATRIX.values() for route in rows}


async def test_everybody_may_what_the_table_says_and_nothing_else(stage: Stage) -> None:
    rows = MATRIX[stage.service]
    seen = {route: {role: await ask_as(stage, role, route) for role in cells} for route, cells in rows.items()}
    wrong = [
        f"{route} by {role}: {seen[route][role]} instead of {cells[role]}"
        for route, cells in rows.items()
        for role in cells
        if seen[route][role] != cells[role]
    ]
    assert not wrong, "\n".join(["", *wrong])


async def ask_as(stage: Stage, role: str, route: str) -> str:
    """Each answer leaves the stage as it found it."""
    headers = {} if role == "anonymous" else stage.as_(stage.cast[role])
    point = await stage.connection.begin_nested()
    answer = await stage.send(route, headers)
    await point.rollback()
    return cell(answer)


def cell(answer: httpx.Response) -> str:
    body: Any = answer.json() if answer.content and "json" in answer.headers["content-type"] else None
    shown = f"/{len(body['items'])}" if isinstance(body, dict) and "items" in body else ""
    return f"{answer.status_code}{shown}"


@pytest.mark.parametrize("given", ["Bearer", "Bearer x", "Basic eDp4", "bearer a.b.c"])
async def test_what_is_no_token_of_ours_opens_no_door(stage: Stage, given: str) -> None:
    shut = [route for route, cells in MATRIX[stage.service].items() if cells["anonymous"] == "401"]
    for route in shut:
        answer = await stage.send(route, {"Authorization": given})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), route
