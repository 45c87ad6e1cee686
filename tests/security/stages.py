"""Every service with something in it, somebody of every role, and a good request for each of its routes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import httpx
import pyotp
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from services.booking.commands import availability as booking_hours
from services.booking.domain import availability as booking_crews
from services.booking.schemas.exceptions import ExceptionRequest
from services.identity.domain.account import AffiliateUser, Customer, User, UserRole, UserStatus
from services.identity.domain.api_key import ApiKey, digest_of, new_key
from services.identity.domain.impersonation import Impersonation
from services.identity.domain.invitation import GOOD_FOR, Invitation
from services.identity.domain.session import RefreshToken, digest, new_secret
from shared.auth import Actor, Role
from shared.clock import now
from shared.contracts.booking import BookingCompleted, BookingHeld
from shared.contracts.identity import EmailChangeRequested, EmailVerificationRequested, PasswordResetRequested
from shared.contracts.payments import PaymentCaptured
from shared.db import Database
from shared.papers import Paper, PaperKind, PaperLine, PaperParty
from shared.testing.plugin import Deliver, Headers, recorded_in
from shared.testing.tokens import ADMIN, SUPPORT, customer, member
from tests.analytics import conftest as analytics_world
from tests.booking import conftest as booking_world
from tests.booking import quoting, standing
from tests.catalog import conftest as catalog_world
from tests.identity import conftest as identity_world
from tests.notifications import conftest as notifications_world
from tests.payments import conftest as payments_world
from tests.reviews import conftest as reviews_world

AFFILIATE, RIVAL = 31, 10**9
Json = dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """A request that is good when the right person sends it; `ids` fill the path."""

    ids: Mapping[str, int | str | UUID] = field(default_factory=dict)
    query: Json = field(default_factory=dict)
    body: Any = None
    csv: str = ""


@dataclass
class Stage:
    """One service in one transaction, its people by their role, and what they may ask."""

    service: str
    connection: AsyncConnection
    database: Database
    client: httpx.AsyncClient
    as_: Callable[[Actor], Headers]
    deliver: Deliver
    cast: dict[str, Actor] = field(default_factory=dict)
    asks: dict[str, Ask] = field(default_factory=dict)
    point: AsyncTransaction | None = None  # what is done after it can be undone

    async def send(self, route: str, headers: Headers, **changed: Any) -> httpx.Response:
        """The route's good request, with `ids`, `query`, `body` or `content` instead of its own."""
        method, path = route.split()
        ask = self.asks[route]
        body = {"content": changed["content"]} if "content" in changed else {"json": changed.get("body", ask.body)}
        if body.get("json", ...) is None:
            body = {"content": ask.csv} if ask.csv else {}
            headers = headers | ({"Content-Type": "text/csv"} if ask.csv else {})
        path = path.format(**{**ask.ids, **changed.get("ids", {})})
        return await self.client.request(
            method, path, params=ask.query | changed.get("query", {}), headers=headers, **body
        )

    async def sql(self, statement: str, **values: Any) -> Any:
        return (await self.connection.execute(text(statement), values)).all()


def cast(*affiliates: int) -> dict[str, Actor]:
    """The customer whom everything is about, another, the team of these affiliates, a rival's owner, the staff."""

    def teammate(user_id: int, role: Role) -> Actor:
        return Actor(user_id=user_id, affiliates=dict.fromkeys(affiliates or (AFFILIATE,), role))

    return {
        "customer": customer(7),
        "other": customer(8),
        "owner": teammate(500, Role.OWNER),
        "manager": teammate(501, Role.MANAGER),
        "technician": teammate(502, Role.TECHNICIAN),
        "rival": member(RIVAL, user_id=600),
        "support": SUPPORT,
        "admin": ADMIN,
    }


def somebody(name: str, role: UserRole, **more: Any) -> User:
    email = f"{name}@example.com"
    return User(email=email, role=role, full_name=name.title(), locale="en-US", timezone="UTC", **more)


def a_key(maker: Actor) -> tuple[ApiKey, str]:
    secret, expires_at = new_key(), now() + timedelta(days=30)
    told: Json = {"name": "Till", "affiliate_id": AFFILIATE, "prefix": secret[9:17], "scopes": ["booking:read"]}
    return ApiKey(user_id=maker.user_id or 0, secret_hash=digest_of(secret), expires_at=expires_at, **told), secret


def an_impersonation(staff: Actor, user: Actor) -> Impersonation:
    end = now() + timedelta(minutes=5)
    return Impersonation(staff_id=staff.user_id or 0, user_id=user.user_id or 0, reason="Asked for.", expires_at=end)


async def identity(stage: Stage) -> None:
    """Identity must know everybody: the cast gets the user ids that it gives."""
    await identity_world.registered(stage.client, stage.database, email="grace@example.com")
    wanted = identity_world.registration(locale="en-US", timezone="UTC", phone="+15125550100")
    await stage.client.post("/identity/v1/register", json=wanted)
    token = await identity_world.secret_mailed(stage.database, EmailVerificationRequested)
    login = {"email": "grace@example.com", "password": identity_world.PASSWORD}
    changed, reset = await _links_of_grace(stage)
    tokens = (await stage.client.post("/identity/v1/login", json=login)).json()
    async with stage.database.begin() as session:
        for name, actor in cast().items():
            user = somebody(name, UserRole(name) if actor.is_staff else UserRole.AFFILIATE)
            session.add(user)
            await session.flush()
            stage.cast[name] = Actor(user_id=user.id, roles=actor.roles, affiliates=actor.affiliates)
        session.add(banned := somebody("banned", UserRole.CUSTOMER, status=UserStatus.SUSPENDED))
        for actor in stage.cast.values():
            team = actor.affiliates.items()
            session.add_all(AffiliateUser(affiliate_id=id, user_id=actor.user_id or 0, role=role) for id, role in team)
        key, secret = a_key(stage.cast["owner"])
        acting = an_impersonation(stage.cast["support"], stage.cast["customer"])
        session.add_all([key, acting])
        await session.flush()
        here = {"device": "phone", "address": "192.0.2.7"}
        own = RefreshToken.first(stage.cast["customer"].user_id or 0, new_secret(), now(), **here)
        session.add(own)
    active, suspended = {"user_id": own.user_id}, {"user_id": banned.id}
    personal = await _personal_data(stage)
    bearer = {"session": "bearer"}
    refresh = Ask(body=bearer | {"refresh_token": tokens["refresh_token"]})
    stage.asks = personal | {
        "GET /identity/v1/.well-known/jwks.json": Ask(),
        "GET /identity/v1/me": Ask(),
        "PATCH /identity/v1/me": Ask(body={"full_name": "Ada Moss", "locale": "en-GB", "timezone": "Europe/London"}),
        "POST /identity/v1/login": Ask(body=login | bearer | {"device": "my phone"}),
        "POST /identity/v1/logout": refresh,
        "POST /identity/v1/refresh": refresh,
        "POST /identity/v1/register": Ask(body=wanted),
        "POST /identity/v1/email-verifications": Ask(body={"token": token, "password": identity_world.PASSWORD}),
        "POST /identity/v1/email-verifications/resend": Ask(body={"email": "ada@example.com"}),
        "GET /identity/v1/sessions": Ask(query={"limit": 5}),
        "DELETE /identity/v1/sessions": Ask(),
        "DELETE /identity/v1/sessions/{session_id}": Ask({"session_id": own.family}),
        "POST /identity/v1/password": Ask(
            body=bearer | {"password": identity_world.PASSWORD, "new_password": "sparrow-Cellar-77-knot"}
        ),
        "POST /identity/v1/password/resets": Ask(body={"email": "grace@example.com"}),
        "POST /identity/v1/password/resets/confirm": Ask(body={"token": reset, "password": "sparrow-Cellar-77-knot"}),
        "POST /identity/v1/email-changes": Ask(body={"email": "new@example.com", "password": identity_world.PASSWORD}),
        "POST /identity/v1/email-changes/confirm": Ask(body={"token": changed, "password": identity_world.PASSWORD}),
        "POST /identity/v1/me/close": Ask(body={"password": identity_world.PASSWORD}),
        "GET /identity/v1/users": Ask(query={"status": "active", "limit": 20}),
        "GET /identity/v1/users/{user_id}": Ask(active),
        "GET /identity/v1/impersonations": Ask(query={"limit": 5}),
        "POST /identity/v1/impersonations": Ask(body=active | {"reason": "Cannot find a booking.", "minutes": 5}),
        "DELETE /identity/v1/impersonations/{impersonation_id}": Ask({"impersonation_id": acting.id}),
        "GET /identity/v1/api-keys": Ask(query={"limit": 5}),
        "POST /identity/v1/api-keys": Ask(
            body={"name": "Till", "affiliate_id": AFFILIATE, "scopes": ["booking:read"], "expires_in_days": 30}
        ),
        "DELETE /identity/v1/api-keys/{api_key_id}": Ask({"api_key_id": key.id}),
        "POST /identity/v1/tokens": Ask(body={"api_key": secret}),
        "POST /identity/v1/users/{user_id}/suspend": Ask(active, body={"reason": "Abuse of the chat."}),
        "POST /identity/v1/users/{user_id}/reinstate": Ask(suspended),
        "PUT /identity/v1/users/{user_id}/role": Ask(active, body={"role": "support", "reason": "Joined us."}),
    }
    stage.asks |= await _teams(stage) | await _second_factors(stage) | await _elsewhere(stage)
    stage.asks |= await _customers(stage)


async def _customers(stage: Stage) -> dict[str, Ask]:
    """The customer has an address, a vehicle, and agreed to something; the other has nothing yet."""
    async with stage.database.begin() as session:
        for name in ("customer", "other"):
            actor = stage.cast[name]
            session.add(customer := Customer(user_id=actor.user_id or 0))
            await session.flush()
            stage.cast[name] = replace(actor, customer_id=customer.id)
    me = "/identity/v1/me"
    address: Json = {
        "label": "Home",
        "line1": "1 Main St",
        "line2": "Rear",
        "zip": "11201",
        "access_notes": "Gate 4711",
    }
    address |= {"is_default": True}
    vehicle: Json = {"year": 2021, "make": "Subaru", "model": "Outback", "color": "green", "size_class": "wagon"}
    vehicle |= {"license_plate": "ABC 123", "condition_notes": "Dog hair"}
    consent = {"email": True, "sms": True, "wording": "2026-11"}
    headers = stage.as_(stage.cast["customer"])
    home = {"address_id": (await stage.client.post(f"{me}/addresses", json=address, headers=headers)).json()["id"]}
    car = {"vehicle_id": (await stage.client.post(f"{me}/vehicles", json=vehicle, headers=headers)).json()["id"]}
    await stage.client.put(f"{me}/consents/marketing", json=consent | {"sms": False}, headers=headers)
    return {
        f"GET {me}/addresses": Ask(query={"limit": 5}),
        f"POST {me}/addresses": Ask(body=address),
        f"GET {me}/addresses/{{address_id}}": Ask(home),
        f"PUT {me}/addresses/{{address_id}}": Ask(home, body=address),
        f"DELETE {me}/addresses/{{address_id}}": Ask(home),
        f"GET {me}/vehicles": Ask(query={"limit": 5}),
        f"POST {me}/vehicles": Ask(body=vehicle),
        f"GET {me}/vehicles/{{vehicle_id}}": Ask(car),
        f"PUT {me}/vehicles/{{vehicle_id}}": Ask(car, body=vehicle),
        f"DELETE {me}/vehicles/{{vehicle_id}}": Ask(car),
        f"GET {me}/consents/marketing": Ask(),
        f"PUT {me}/consents/marketing": Ask(body=consent),
        f"GET {me}/consents/marketing/history": Ask(query={"limit": 5}),
    }


async def _personal_data(stage: Stage) -> dict[str, Ask]:
    """The customer's export is ready, and somebody is being erased."""
    export, erasure = "e" * 43, "f" * 43
    await stage.sql(
        "insert into exports (user_id, status, secret, ready_at, expires_at)"
        " values (:user_id, 'ready', :secret, now(), now() + interval '1 day') returning id",
        user_id=stage.cast["customer"].user_id,
        secret=export,
    )
    await stage.sql(
        "insert into erasures (user_id, secret_hash, status, due_at)"
        " select id, :secret, 'waiting', now() from users where email = 'banned@example.com' returning id",
        secret=sha256(erasure.encode()).digest(),
    )
    return {
        "GET /identity/v1/me/export": Ask(),
        "POST /identity/v1/me/exports": Ask(),
        "GET /identity/v1/me/export/archive": Ask(),
        "POST /identity/v1/exports/fetch": Ask(body={"token": export}),
        "POST /identity/v1/me/erasure": Ask(body={"password": identity_world.PASSWORD}),
        "POST /identity/v1/erasures/look-up": Ask(body={"token": erasure}),
    }


async def _teams(stage: Stage) -> dict[str, Ask]:
    """The customer is invited into the team."""
    secret, team = "i" * 43, "/identity/v1/affiliates/{affiliate_id}"
    invited = Invitation(
        affiliate_id=AFFILIATE, email="customer@example.com", role=Role.TECHNICIAN, secret_hash=digest(secret),
        invited_by=stage.cast["owner"].user_id or 0, expires_at=now() + GOOD_FOR,
    )  # fmt: skip
    async with stage.database.begin() as session:
        session.add(invited)
    at = {"affiliate_id": AFFILIATE}
    technician = at | {"user_id": stage.cast["technician"].user_id or 0}
    return {
        f"GET {team}/members": Ask(at, query={"limit": 5}),
        f"PATCH {team}/members/{{user_id}}": Ask(technician, body={"role": "manager"}),
        f"DELETE {team}/members/{{user_id}}": Ask(technician),
        f"POST {team}/handover": Ask(at, body={"user_id": technician["user_id"]}),
        f"GET {team}/invitations": Ask(at, query={"limit": 5}),
        f"POST {team}/invitations": Ask(at, body={"email": "new@example.com", "role": "technician"}),
        f"DELETE {team}/invitations/{{invitation_id}}": Ask(at | {"invitation_id": invited.id}),
        "POST /identity/v1/invitations/accept": Ask(body={"token": secret}),
    }


async def _links_of_grace(stage: Stage) -> tuple[str, str]:
    """To confirm another address, and to set a password."""
    [[user_id]] = await stage.sql("select id from users where email = 'grace@example.com'")
    wanted = {"email": "moss@example.com", "password": identity_world.PASSWORD}
    headers = stage.as_(Actor(user_id=user_id))
    await stage.client.post("/identity/v1/email-changes", json=wanted, headers=headers)
    await stage.client.post("/identity/v1/password/resets", json={"email": "grace@example.com"})
    return (
        await identity_world.secret_mailed(stage.database, EmailChangeRequested, "moss@example.com"),
        await identity_world.secret_mailed(stage.database, PasswordResetRequested, "grace@example.com"),
    )


async def _second_factors(stage: Stage) -> dict[str, Ask]:
    """The customer has yet to confirm theirs, the other's is on, everybody else has none."""
    path, password = "/identity/v1/second-factor", {"password": identity_world.PASSWORD}
    await stage.sql(
        "update users set password_hash = (select password_hash from users where email = 'grace@example.com')"
        " where password_hash = '' returning id"
    )
    confirmed: Json = {}
    for name in ("other", "customer"):
        headers = stage.as_(stage.cast[name])
        secret = (await stage.client.post(path, json=password, headers=headers)).json()["secret"]
        code = {"code": pyotp.TOTP(secret).at(now(), counter_offset=1)}
        if name == "other":
            confirmed = (await stage.client.post(f"{path}/confirm", json=code, headers=headers)).json()
    proof = password | {"code": confirmed["recovery_codes"][0]}
    login = await stage.client.post("/identity/v1/login", json=password | {"email": "other@example.com"})
    challenge = login.json()["second_factor"]["challenge"]
    lost: Json = {"user_id": stage.cast["other"].user_id or 0}
    return {
        "DELETE /identity/v1/users/{user_id}/second-factor": Ask(lost, body={"reason": "Lost both."}),
        "GET /identity/v1/second-factor": Ask(),
        "POST /identity/v1/second-factor": Ask(body=password),
        "POST /identity/v1/second-factor/confirm": Ask(body=code),
        "POST /identity/v1/second-factor/disable": Ask(body=proof),
        "POST /identity/v1/second-factor/recovery-codes": Ask(body=proof),
        "POST /identity/v1/login/second-factor": Ask(
            body={"challenge": challenge, "code": proof["code"], "session": "bearer"}
        ),
    }


async def _elsewhere(stage: Stage) -> dict[str, Ask]:
    """A sign-in that was begun, at a provider that will know no code; the customer is linked."""
    path, at = "/identity/v1/oidc", {"provider": "acme"}
    begun = await stage.client.post(f"{path}/acme/authorizations", json={})
    state = httpx.URL(begun.json()["authorization_url"]).params["state"]
    [[link_id]] = await stage.sql(
        "insert into oidc_links (user_id, provider, issuer, subject, email, last_used_at)"
        " values (:user_id, 'acme', 'https://accounts.example.com', '1', 'customer@example.com', now()) returning id",
        user_id=stage.cast["customer"].user_id,
    )
    return {
        f"GET {path}/providers": Ask(),
        f"POST {path}/{{provider}}/authorizations": Ask(at, body={"device": "my phone", "return_to": "/account"}),
        f"GET {path}/{{provider}}/callback": Ask(at, query={"state": state, "code": "a code"}),
        f"GET {path}/links": Ask(),
        f"DELETE {path}/links/{{link_id}}": Ask({"link_id": link_id}),
    }


def _steps(shop: int, pending: int, mended: int, shut: int) -> dict[str, Ask]:
    why = {"reason": "No insurance."}
    wanted: dict[str, tuple[int, Any]] = {
        "review": (pending, None), "request-changes": (pending, why), "resubmit": (mended, None),
        "approve": (pending, None), "reject": (pending, why), "suspend": (shop, why), "reinstate": (shut, None),
        "close": (shop, None),
    }  # fmt: skip
    path = "/catalog/v1/affiliates/{affiliate_id}"
    asks = {f"POST {path}/{step}": Ask({"affiliate_id": id}, body=body) for step, (id, body) in wanted.items()}
    return asks | {f"GET {path}/steps": Ask({"affiliate_id": shop})}


async def catalog(stage: Stage) -> None:
    """One affiliate that is public, with an offer shown and one hidden, and an application of the same owner."""

    async def post(path: str, by: Actor, body: Json | None = None) -> Json:
        answer = await stage.client.post(f"/catalog/v1{path}", json=body, headers=stage.as_(by))
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    owner = cast()["owner"]
    shop = (await post("/affiliates", owner, catalog_world.application()))["id"]
    await post(f"/affiliates/{shop}/approve", ADMIN)
    photos = ["https://photos.example/1.jpg", "https://photos.example/2.jpg"]
    priced = catalog_world.tier(active=True, size_prices=[{"size_class": "suv", "price_cents": 25_000}])
    shown = await post(f"/affiliates/{shop}/services", owner, catalog_world.offer(tiers=[priced]))
    hidden = await post(f"/affiliates/{shop}/services", owner, catalog_world.offer(active=False))
    wax = await post(f"/affiliates/{shop}/add-ons", owner, catalog_world.add_on())
    code = await post("/promotions", owner, catalog_world.promotion(affiliate_id=shop))
    pending = (await post("/affiliates", owner, catalog_world.application()))["id"]
    mended, shut = [
        (await post("/affiliates", Actor(user_id=n), catalog_world.application()))["id"] for n in (510, 511)
    ]
    await post(f"/affiliates/{mended}/request-changes", ADMIN, {"reason": "Which insurance?"})
    await post(f"/affiliates/{shut}/approve", ADMIN)
    await post(f"/affiliates/{shut}/suspend", ADMIN, {"reason": "Too many complaints."})
    await catalog_world.catching_up(stage.deliver, lambda: recorded_in(stage.database))()
    stage.cast = cast(shop, pending, mended, shut)
    at, applied = {"affiliate_id": shop}, {"affiliate_id": pending}
    revised = {name: shown[name] for name in ("category", "name", "description", "active", "tiers")}
    changes = catalog_world.application(city="Brooklyn", state="NY")
    an_add_on = at | {"add_on_id": wax["add_on_id"]}
    searched = {
        "zip": "11201", "category": "full", "size_class": "suv", "limit": 5, "radius_m": 20_000, "price_from": 100,
        "price_to": 100_000, "q": "detail", "sort": "relevance",
    }  # fmt: skip
    changes |= {
        "contact_name": "Ada", "insurer": "Mutual", "insurance_reference": "P-1", "insurance_expires_on": "2040-01-01",
        "cancellation_policy": None,
    }  # fmt: skip
    applying = changes | {"service_zips": ["10001"]}
    changes |= {"payment_mode": "full"}
    stage.asks = {
        "GET /catalog/v1/affiliates": Ask(query=searched),
        "GET /catalog/v1/service-area": Ask(query={"zip": "11201"}),
        "POST /catalog/v1/affiliates": Ask(body=applying),
        "GET /catalog/v1/affiliates/applications": Ask(),
        "GET /catalog/v1/affiliates/{affiliate_id}": Ask(applied),
        "PATCH /catalog/v1/affiliates/{affiliate_id}": Ask(at, body=changes),
        "PUT /catalog/v1/affiliates/{affiliate_id}/tier": Ask(at, body={"affiliate_tier": "premium"}),
        **_steps(shop, pending, mended, shut),
        "GET /catalog/v1/affiliates/{affiliate_id}/services": Ask(at),
        "POST /catalog/v1/affiliates/{affiliate_id}/services": Ask(
            at, body=catalog_world.offer(active=True, tiers=[priced], photo_urls=photos)
        ),
        "GET /catalog/v1/affiliates/{affiliate_id}/service-area": Ask(at),
        "PUT /catalog/v1/affiliates/{affiliate_id}/service-area": Ask(
            at, body={"service_radius_m": 30_000, "service_zips": ["10001", "07102"]}
        ),
        "GET /catalog/v1/affiliates/{affiliate_id}/price-list": Ask(at),
        "PUT /catalog/v1/affiliates/{affiliate_id}/price-list": Ask(at, body=catalog_world.price_list()),
        "POST /catalog/v1/affiliates/{affiliate_id}/add-ons": Ask(
            at, body=catalog_world.add_on(position=0, active=True)
        ),
        "PUT /catalog/v1/affiliates/{affiliate_id}/add-ons/{add_on_id}": Ask(
            an_add_on, body=catalog_world.add_on(position=0, active=True)
        ),
        "DELETE /catalog/v1/affiliates/{affiliate_id}/add-ons/{add_on_id}": Ask(an_add_on),
        "GET /catalog/v1/affiliates/{affiliate_id}/services/export": Ask(at),
        "POST /catalog/v1/affiliates/{affiliate_id}/services/import": Ask(
            at, query={"dry_run": "false"}, csv=catalog_world.sheet(service="New")
        ),
        "PUT /catalog/v1/affiliates/{affiliate_id}/services/order": Ask(
            at, body={"service_ids": [hidden["id"], shown["id"]]}
        ),
        "GET /catalog/v1/promotions": Ask(query=at),
        "POST /catalog/v1/promotions": Ask(body=catalog_world.promotion_whole(affiliate_id=shop, code="SUMMER")),
        "GET /catalog/v1/promotions/{promotion_id}": Ask({"promotion_id": code["id"]}),
        "PUT /catalog/v1/promotions/{promotion_id}": Ask(
            {"promotion_id": code["id"]}, body={"ends_at": None, "max_uses": 9, "max_uses_per_customer": 1}
        ),
        "POST /catalog/v1/promotions/{promotion_id}/end": Ask({"promotion_id": code["id"]}),
        "GET /catalog/v1/categories": Ask(),
        "POST /catalog/v1/categories": Ask(body={"slug": "glass", "name": "Glass"}),
        "GET /catalog/v1/categories/all": Ask(),
        "PUT /catalog/v1/categories/order": Ask(
            body={"slugs": ["full", "interior", "exterior", "ceramic", "paint_correction"]}
        ),
        "PATCH /catalog/v1/categories/{category_id}": Ask(
            {"category_id": 1}, body={"name": "All of it", "active": True}
        ),
        "GET /catalog/v1/config": Ask(),
        "PATCH /catalog/v1/config": Ask(body=catalog_world.configuration()),
        "GET /catalog/v1/config/history": Ask(),
        "POST /catalog/v1/price-checks": Ask(
            body={
                "tier_id": shown["tiers"][0]["id"],
                "zip": catalog_world.BROOKLYN,
                "size_class": "suv",
                "condition": "dirty",
                "add_on_ids": [wax["add_on_id"]],
                "vehicle": "A white Golf",
                "more_vehicles": [{"size_class": "sedan", "vehicle": "A Polo"}],
                "promotion_code": code["code"],
            }
        ),
        "GET /catalog/v1/services/{service_id}": Ask({"service_id": hidden["id"]}),
        "PUT /catalog/v1/services/{service_id}": Ask({"service_id": shown["id"]}, body=revised),
        "PUT /catalog/v1/services/{service_id}/active": Ask({"service_id": shown["id"]}, body={"active": False}),
        "PUT /catalog/v1/services/{service_id}/tiers/{tier_id}/active": Ask(
            {"service_id": shown["id"], "tier_id": shown["tiers"][0]["id"]}, body={"active": False}
        ),
        "PUT /catalog/v1/services/{service_id}/photos": Ask({"service_id": shown["id"]}, body={"photo_urls": photos}),
        "DELETE /catalog/v1/services/{service_id}": Ask({"service_id": shown["id"]}),
    }


NOW_UNDER_WAY = (
    "update bookings set appointment_start = now() - interval '1 h', appointment_end = now() + interval '1 h',"
    " blocked = tstzrange(now() - interval '1 h', now() + interval '2 h') where id = {id} returning id"
)


async def booking(stage: Stage) -> None:
    """A held booking, one that is paid, and one that is under way; two quotes; a calendar in, and one out."""
    at = booking_world.monday_at
    shop = await booking_world.open_shop(stage.client, stage.as_, stage.deliver)
    await shop.held(at(8))
    paid, begun = await shop.held(at(10, 30)), await shop.held(at(13))
    for one in (paid, begun):
        await stage.deliver(booking_world.captured(one))
    asked = await _asked(stage, shop)
    await stage.sql(NOW_UNDER_WAY.format(id=begun["id"]))
    await stage.deliver(booking_world.price_list(add_ons=[booking_world.add_on(price_cents=500)]))
    await stage.deliver(booking_world.promotion(amount_cents=500))
    day = booking_world.next_monday().isoformat()
    stage.cast = cast()
    schedule = await _schedule(stage)
    wanted = {"tier_id": booking_world.TIER, "starts_at": at(15, 30), "address": "1 Main St", "zip": "11201"}
    wanted |= {"size_class": "suv", "condition": "dirty", "add_on_ids": [booking_world.ADD_ON], "vehicle": "A Golf"}
    extras = {"lines": [{"label": "Pet hair", "amount_cents": 2_500}], "minutes": 15}
    path = f"/booking/v1/bookings/{begun['id']}/extras"
    await stage.client.post(path, json=extras, headers=stage.as_(member(AFFILIATE)))
    total = {"price_cents": booking_world.PRICE + 2_500}
    stage.asks = (
        schedule
        | await _calendars(stage)
        | await _quotes(quoting.Desk(shop))
        | await _series(stage, shop)
        | {
            "GET /booking/v1/bookings": Ask(query={"limit": 5}),
            "POST /booking/v1/bookings": Ask(
                body=wanted | {"promotion_code": "SPRING", "price_cents": booking_world.PRICE, "more_vehicles": []}
            ),
            "GET /booking/v1/bookings/{booking_id}": Ask({"booking_id": paid["id"]}),
            "POST /booking/v1/bookings/{booking_id}/cancel": Ask({"booking_id": paid["id"]}, body={"reason": "rain"}),
            "GET /booking/v1/bookings/{booking_id}/rivals": Ask({"booking_id": asked["id"]}),
            "POST /booking/v1/bookings/{booking_id}/accept": Ask({"booking_id": asked["id"]}),
            "POST /booking/v1/bookings/{booking_id}/decline": Ask(
                {"booking_id": asked["id"]}, body={"reason": "Another job."}
            ),
            "POST /booking/v1/bookings/{booking_id}/reschedule": Ask(
                {"booking_id": paid["id"]}, body={"starts_at": at(15, 30), "price_cents": booking_world.PRICE}
            ),
            "POST /booking/v1/bookings/{booking_id}/propose": Ask(
                {"booking_id": paid["id"]}, body={"starts_at": at(15, 30)}
            ),
            "POST /booking/v1/bookings/{booking_id}/extras": Ask({"booking_id": begun["id"]}, body=extras),
            "POST /booking/v1/bookings/{booking_id}/extras/agree": Ask({"booking_id": begun["id"]}, body=total),
            "POST /booking/v1/bookings/{booking_id}/extras/drop": Ask({"booking_id": begun["id"]}),
            "POST /booking/v1/bookings/{booking_id}/set-out": Ask({"booking_id": begun["id"]}, body={"eta": at(13)}),
            "POST /booking/v1/bookings/{booking_id}/start": Ask({"booking_id": begun["id"]}),
            "POST /booking/v1/bookings/{booking_id}/complete": Ask(
                {"booking_id": begun["id"]},
                body={"photo_urls": ["https://photos.example.com/done.jpg"], "notes": "All done."},
            ),
            "POST /booking/v1/bookings/{booking_id}/no-show": Ask({"booking_id": begun["id"]}),
            "GET /booking/v1/slots": Ask(
                query={"tier_id": booking_world.TIER, "from": day, "to": day, "add_on_ids": [booking_world.ADD_ON]}
            ),
            "GET /booking/v1/slots/nearby": Ask(
                query={"affiliate_ids": [AFFILIATE, RIVAL], "category": "full", "zip": "11201", "from": day, "to": day}
            ),
            "GET /booking/v1/slots/why": Ask(query={"tier_id": booking_world.TIER, "at": at(16, 10), "zip": "11201"}),
        }
    )


async def _series(stage: Stage, shop: booking_world.Shop) -> dict[str, Ask]:
    """One that goes on, a visit of which was missed, and one that rests."""
    told: Json = {"size_class": "suv", "condition": "dirty", "add_on_ids": [booking_world.ADD_ON]}
    bodies = [standing.wanted(time=time, **told) for time in ("09:00", "12:00")]
    by = shop.as_(customer(7))
    going, resting = [(await shop.client.post(standing.SERIES, json=body, headers=by)).json() for body in bodies]
    [_] = await stage.sql(
        "update series set status = 'paused', paused_by = 'customer' where id = :id returning id", id=resting["id"]
    )
    [_] = await stage.sql(
        "insert into series_visits (series_id, on_date, status, reason)"
        " select id, first_on, 'missed', 'slot-taken' from series where id = :id returning id",
        id=going["id"],
    )
    of, day = {"series_id": going["id"]}, {"on_date": standing.week(0)}
    last, base = {"last_date": standing.week(9), "visits": 20}, f"{standing.SERIES}/{{series_id}}"
    ends, cost = {"paid_visits": "cancel"}, {"price_cents": booking_world.PRICE + 500}
    whole = told | last | {"vehicle": "A Golf", "more_vehicles": [], "promotion_code": "SPRING"}
    whole |= {"price_cents": booking_world.PRICE}
    return {
        f"GET {standing.SERIES}": Ask(query={"limit": 5}),
        f"POST {standing.SERIES}": Ask(body=standing.wanted(**whole)),
        f"GET {base}": Ask(of),
        f"POST {base}/change": Ask(of, body=standing.wanted(**whole, **ends, first_date=standing.week(3))),
        f"POST {base}/pause": Ask(of),
        f"POST {base}/resume": Ask({"series_id": resting["id"]}),
        f"POST {base}/end": Ask(of, body={"from_date": standing.week(1), "reason": "Sold it."} | ends),
        f"GET {base}/visits": Ask(of),
        f"POST {base}/visits/{{on_date}}/skip": Ask(of | {"on_date": standing.week(1)}),
        f"POST {base}/visits/{{on_date}}/take": Ask(
            of | day, body={"starts_at": booking_world.monday_at(15, 30)} | cost
        ),
    }


async def _asked(stage: Stage, shop: booking_world.Shop) -> Json:
    """A request, of the time when the affiliate wanted to say yes first."""
    await stage.sql("insert into schedule_settings (affiliate_id, request_to_book) values (31, true) returning id")
    asked = await shop.held(booking_world.monday_at(15, 30))
    await stage.sql("delete from schedule_settings returning id")
    return asked


async def _schedule(stage: Stage) -> dict[str, Ask]:
    """Two crews, one of which is sent out no more, and a day off ahead."""
    of, base = {"affiliate_id": AFFILIATE}, "/booking/v1/affiliates/{affiliate_id}"
    crew: Json = {"name": "Van 2", "buffer_before_minutes": 5, "buffer_after_minutes": 20, "start_zip": "11201"}
    crew |= {"end_zip": "11201", "max_jobs_per_day": 4, "max_minutes_per_day": 480}
    off: Json = {
        "kind": "closed",
        "crew_id": None,
        "first_day": "2030-12-24",
        "last_day": "2030-12-26",
        "note": "Feast",
    }
    off |= {"from_time": "12:00", "to_time": "24:00"}
    settings: Json = {"slot_interval_minutes": 15, "lead_minutes": 120, "horizon_days": 30, "request_to_book": True}
    window = {"weekday": 1, "opens": "09:00", "closes": "17:00", "crew_id": None, "zips": ["11201"]}
    async with stage.database.begin() as session:
        session.add(resting := booking_crews.Crew(affiliate_id=AFFILIATE, name="Van 3", active=False))
        terms = ExceptionRequest.model_validate(off | {"first_day": "2030-07-01", "last_day": "2030-07-02"})
        exception = await booking_hours.add_exception(session, stage.cast["owner"], AFFILIATE, terms)
    first = (await stage.sql("select min(id) from crews"))[0][0]
    return {
        f"GET {base}/availability": Ask(of),
        f"PUT {base}/availability": Ask(of, body={"windows": [window | {"near_zip": "10001", "near_radius_m": 9000}]}),
        f"GET {base}/schedule-settings": Ask(of),
        f"PUT {base}/schedule-settings": Ask(of, body=settings | {"arrival_window_minutes": 30}),
        f"GET {base}/exceptions": Ask(of),
        f"POST {base}/exceptions": Ask(of, body=off),
        f"DELETE {base}/exceptions/{{exception_id}}": Ask(of | {"exception_id": exception.id}),
        f"GET {base}/crews": Ask(of),
        f"POST {base}/crews": Ask(of, body=crew),
        f"PUT {base}/crews/{{crew_id}}": Ask(of | {"crew_id": first}, body=crew),
        f"POST {base}/crews/{{crew_id}}/deactivate": Ask(of | {"crew_id": resting.id}),
        f"POST {base}/crews/{{crew_id}}/activate": Ask(of | {"crew_id": resting.id}),
    }


async def _quotes(desk: quoting.Desk) -> dict[str, Ask]:
    """One that waits for its price, and one that has it, of which somebody has spoken."""
    [asked], [priced] = await desk.asked(), await desk.priced(duration_minutes=120)
    await desk.send("POST", f"/{priced['id']}/messages", customer(7), {"body": "Is there water?"})
    waits, has_it = {"quote_id": asked["id"]}, {"quote_id": priced["id"]}
    at = booking_world.monday_at(13)
    return {
        "GET /booking/v1/quotes": Ask(query={"limit": 5}),
        "POST /booking/v1/quotes": Ask(body=quoting.wanted(wished_times=[at])),
        "GET /booking/v1/quotes/{quote_id}": Ask(has_it),
        "POST /booking/v1/quotes/{quote_id}/price": Ask(waits, body=quoting.priced()),
        "POST /booking/v1/quotes/{quote_id}/decline": Ask(waits, body={"reason": "Too far."}),
        "POST /booking/v1/quotes/{quote_id}/withdraw": Ask(has_it, body={"reason": "Sold it."}),
        "POST /booking/v1/quotes/{quote_id}/accept": Ask(has_it, body={"starts_at": at}),
        "GET /booking/v1/quotes/{quote_id}/messages": Ask(has_it),
        "POST /booking/v1/quotes/{quote_id}/messages": Ask(has_it, body={"body": "There is."}),
    }


async def _calendars(stage: Stage) -> dict[str, Ask]:
    """A calendar of others, and a feed of the affiliate's."""
    [[crew_id]] = await stage.sql("select min(id) from crews")
    [[calendar_id]] = await stage.sql(
        "insert into external_calendars (affiliate_id, crew_id, name, url)"
        " values (:affiliate_id, :crew_id, 'Van', 'https://calendar.example/1') returning id",
        affiliate_id=AFFILIATE, crew_id=crew_id,
    )  # fmt: skip
    [[feed_id]] = await stage.sql(
        "insert into calendar_feeds (affiliate_id, token_hash) values (:affiliate_id, :token_hash) returning id",
        affiliate_id=AFFILIATE, token_hash=sha256(b"t" * 43).digest(),
    )  # fmt: skip
    of, base = {"affiliate_id": AFFILIATE}, "/booking/v1/affiliates/{affiliate_id}/calendars"
    one: Json = {"crew_id": crew_id, "name": "Van", "url": "https://calendar.example/2"}
    return {
        f"GET {base}": Ask(of),
        f"POST {base}": Ask(of, body=one),
        f"DELETE {base}/{{calendar_id}}": Ask(of | {"calendar_id": calendar_id}),
        f"POST {base}/{{calendar_id}}/fetch": Ask(of | {"calendar_id": calendar_id}),
        "GET /booking/v1/feeds": Ask(),
        "POST /booking/v1/feeds": Ask(body=of | {"crew_id": crew_id}),
        "DELETE /booking/v1/feeds/{feed_id}": Ask({"feed_id": feed_id}),
        "GET /booking/v1/calendars/{token}.ics": Ask({"token": "t" * 43}),
    }


PAPER = Paper(
    kind=PaperKind.INVOICE, number="I-31-2026-000001", issued_at=datetime(2026, 1, 1, tzinfo=UTC),
    issued_on=date(2026, 1, 1), seller=PaperParty(name="Shine"), agent=PaperParty(name="MDH"), customer_id=7,
    booking_id=2, subject="Full", currency="USD", lines=[PaperLine(label="Gold", amount_cents=9_000)],
    total_cents=9_000,
)  # fmt: skip


async def an_invoice(stage: Stage) -> int:
    [[invoice_id]] = await stage.sql(
        "insert into invoices (kind, issuer_id, year, ordinal, number, cause, booking_id, customer_id, affiliate_id,"
        " currency, total_cents, tax_cents, issued_at, paper) values ('invoice', 31, 2026, 1, 'I-31-2026-000001',"
        " 'booking:2', 2, 7, 31, 'USD', 9000, 0, now(), cast(:paper as jsonb)) returning id",
        paper=PAPER.model_dump_json(),
    )
    return int(invoice_id)


async def payments(stage: Stage) -> None:
    """A payment that its customer could pay now; a payout account that the provider has not made yet; a payment of
    which another administrator wants something sent back and a part is disputed; a payout that was refused."""
    await stage.deliver(payments_world.held())
    [[payment_id]] = await stage.sql(
        "update payments set status = 'requires_payment', stripe_payment_intent_id = 'pi_1',"
        " client_secret = 'pi_1_secret_2' returning id"
    )
    [[captured_id]] = await stage.sql(
        "insert into payments (booking_id, customer_id, affiliate_id, amount_cents, commission_cents, currency, status,"
        " captured_cents, stripe_payment_intent_id, reference, idempotency_key) values (2, 7, 31, 9000, 900, 'USD',"
        " 'captured', 9000, 'pi_2', gen_random_uuid(), 'mdh-2') returning id"
    )
    [[request_id]] = await stage.sql(
        "insert into refund_requests (payment_id, amount_cents, reason, two_persons, asked_by)"
        " values (:payment_id, 100, 'Late.', true, 9) returning id",
        payment_id=captured_id,
    )
    [[dispute_id]] = await stage.sql(
        "insert into disputes (stripe_dispute_id, payment_id, booking_id, customer_id, affiliate_id, currency,"
        " opened_at, amount_cents, reason, status, withdrawn_cents, fee_cents) values ('dp_1', :payment_id, 2, 7, 31,"
        " 'USD', now(), 500, 'general', 'needs_response', 500, 0) returning id",
        payment_id=captured_id,
    )
    [[discrepancy_id]] = await stage.sql(
        "insert into discrepancies (kind, subject, about, provider_says, we_say) values ('foreign', 'ch_1', 'entry:1',"
        " '500 USD', 'nothing') returning id"
    )
    [[payout_id]] = await stage.sql(
        "insert into payouts (affiliate_id, currency, amount_cents, stripe_account_id, status, refusal, reference,"
        " idempotency_key) values (31, 'USD', 5000, 'acct_1', 'refused', 'balance_insufficient', gen_random_uuid(),"
        " 'mdh-3') returning id"
    )
    await stage.sql(
        "insert into payout_items (payout_id, payment_id, payment_version, amount_cents)"
        " values (:payout_id, :payment_id, 1, 5000) returning id",
        payout_id=payout_id, payment_id=captured_id,
    )  # fmt: skip
    [[card_id]] = await stage.sql(
        "with wallet as (insert into wallets (customer_id, stripe_customer_id, reference, idempotency_key) values"
        " (7, 'cus_1', gen_random_uuid(), 'mdh-4')) insert into kept_cards (customer_id, stripe_payment_method_id,"
        " brand, last_four, expires_month, expires_year) values (7, 'pm_1', 'visa', '4242', 12, 2040) returning id"
    )
    invoice = {"invoice_id": await an_invoice(stage)}
    request = {"refund_request_id": request_id}
    discrepancy, decision = {"discrepancy_id": discrepancy_id}, {"reason": "Somebody else's charge."}
    of, statements = {"affiliate_id": AFFILIATE}, "/payments/v1/affiliates/{affiliate_id}/statements"
    stage.cast = cast()
    await stage.deliver(payments_world.completed(booking_id=3))
    await stage.deliver(payments_world.applied(owner_user_id=stage.cast["owner"].user_id))
    stage.asks = {
        "GET /payments/v1/affiliates/{affiliate_id}/balance": Ask({"affiliate_id": AFFILIATE}),
        "GET /payments/v1/affiliates/{affiliate_id}/payout-account": Ask({"affiliate_id": AFFILIATE}),
        "POST /payments/v1/affiliates/{affiliate_id}/payout-account/release": Ask({"affiliate_id": AFFILIATE}),
        "GET /payments/v1/payout-accounts/held": Ask(),
        "GET /payments/v1/affiliates/{affiliate_id}/payouts": Ask(
            {"affiliate_id": AFFILIATE}, query={"status": "refused"}
        ),
        f"GET {statements}": Ask(of),
        **{f"GET {statements}/{{month}}{form}": Ask(of | {"month": "2026-01"}) for form in ("", "/csv", "/pdf")},
        "GET /payments/v1/payouts": Ask(query={"status": "refused"}),
        "GET /payments/v1/payouts/{payout_id}": Ask({"payout_id": payout_id}),
        "POST /payments/v1/payouts/{payout_id}/retry": Ask({"payout_id": payout_id}),
        "POST /payments/v1/affiliates/{affiliate_id}/onboarding-links": Ask({"affiliate_id": AFFILIATE}),
        "GET /payments/v1/bookings/{booking_id}/payments": Ask({"booking_id": 1}),
        "POST /payments/v1/bookings/{booking_id}/tips": Ask({"booking_id": 3}, body={"amount_cents": 500}),
        "GET /payments/v1/billing-name": Ask(),
        "PUT /payments/v1/billing-name": Ask(body={"name": "Moss & Sons LLC", "address": ["1 Mill Road"]}),
        "DELETE /payments/v1/billing-name": Ask(),
        "GET /payments/v1/cards": Ask(),
        "DELETE /payments/v1/cards/{card_id}": Ask({"card_id": card_id}),
        "PUT /payments/v1/payments/{payment_id}/card": Ask({"payment_id": payment_id}, body={"card_id": card_id}),
        "PUT /payments/v1/payments/{payment_id}/kept-card": Ask({"payment_id": payment_id}),
        "GET /payments/v1/payments": Ask(query={"booking_id": 1}),
        "GET /payments/v1/payments/{payment_id}": Ask({"payment_id": payment_id}),
        "POST /payments/v1/payments/{payment_id}/refund-requests": Ask(
            {"payment_id": captured_id}, body={"amount_cents": 100, "reason": "Came late."}
        ),
        "GET /payments/v1/refund-requests": Ask(query={"status": "waiting", "payment_id": captured_id}),
        "GET /payments/v1/refund-requests/{refund_request_id}": Ask(request),
        "POST /payments/v1/refund-requests/{refund_request_id}/approve": Ask(request),
        "POST /payments/v1/refund-requests/{refund_request_id}/decline": Ask(request),
        "GET /payments/v1/disputes": Ask(query={"status": "needs_response"}),
        "GET /payments/v1/disputes/{dispute_id}": Ask({"dispute_id": dispute_id}),
        "GET /payments/v1/discrepancies": Ask(query={"status": "open", "kind": "foreign"}),
        "GET /payments/v1/discrepancies/{discrepancy_id}": Ask(discrepancy),
        "POST /payments/v1/discrepancies/{discrepancy_id}/assign": Ask(discrepancy, body={"user_id": 1}),
        "POST /payments/v1/discrepancies/{discrepancy_id}/explain": Ask(discrepancy, body=decision),
        "POST /payments/v1/discrepancies/{discrepancy_id}/resolve": Ask(discrepancy, body=decision),
        "GET /payments/v1/invoices": Ask(query={"booking_id": 2, "kind": "invoice"}),
        "GET /payments/v1/invoices/{invoice_id}": Ask(invoice),
        "GET /payments/v1/invoices/{invoice_id}/pdf": Ask(invoice),
        "POST /payments/v1/webhooks/stripe": Ask(body={"id": "evt_1", "type": "charge.refunded", "data": {}}),
    }


async def reviews(stage: Stage) -> None:
    """One review, and one completed booking that waits for its own."""
    desk = reviews_world.Desk(stage.client, stage.as_, stage.deliver)
    review = {"review_id": (await desk.posted())["id"]}
    await stage.deliver(reviews_world.told(BookingCompleted, 3, booking_id=62))
    stage.cast = cast()
    stage.asks = {
        "GET /reviews/v1/affiliates/{affiliate_id}/rating": Ask({"affiliate_id": AFFILIATE}),
        "GET /reviews/v1/reviews": Ask(query={"affiliate_id": AFFILIATE}),
        "POST /reviews/v1/reviews": Ask(body={"booking_id": 62, "rating": 4, "comment": "Good."}),
        "GET /reviews/v1/reviews/{review_id}": Ask(review),
        "PATCH /reviews/v1/reviews/{review_id}": Ask(review, body={"rating": 3, "comment": "Well."}),
        "DELETE /reviews/v1/reviews/{review_id}": Ask(review),
    }


async def notifications(stage: Stage) -> None:
    """One notice to the customer, in the app and by e-mail."""
    await stage.deliver(notifications_world.person())
    await stage.deliver(notifications_world.booking(BookingHeld, 1, "held"))
    [[notification_id]] = await stage.sql("select id from notifications")
    stage.cast = cast()
    stage.asks = {
        "GET /notifications/v1/communications": Ask(),
        "GET /notifications/v1/notifications": Ask(query={"unread": "true"}),
        "POST /notifications/v1/notifications/read-all": Ask(),
        "POST /notifications/v1/notifications/{notification_id}/read": Ask({"notification_id": notification_id}),
    }


async def analytics(stage: Stage) -> None:
    """A day with revenue."""
    await stage.deliver(analytics_world.payment(PaymentCaptured))
    days = {"from": "2026-01-01", "to": "2026-12-31"}
    stage.cast = cast()
    stage.asks = {
        "GET /analytics/v1/metrics": Ask(query=days | {"metric": "revenue_cents", "affiliate_id": AFFILIATE}),
        "POST /analytics/v1/metrics/rebuild": Ask(),
        "GET /analytics/v1/summary": Ask(query=days),
    }


STAGES: dict[str, Callable[[Stage], Awaitable[None]]] = {
    f.__name__: f for f in (identity, catalog, booking, payments, reviews, notifications, analytics)
}
