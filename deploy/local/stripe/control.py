"""`/_sandbox/…`: what a tester sets and reads. Stripe has none of this."""

from typing import Any, Literal

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from . import setup
from .cards import Challenge
from .confirmation import authenticate
from .deliveries import Mode
from .dispute import begin
from .fault import Fault
from .ids import new_id
from .refusal import Refusal
from .sandbox import Sandbox

COPIED = {"copied": "yes"}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClockRequest(Strict):
    """Either how far ahead of the machine's clock to be, or how much further than now."""

    offset_seconds: int | None = None
    advance_seconds: int | None = None


class ClockView(BaseModel):
    now: int
    offset_seconds: int


class ReleaseRequest(Strict):
    order: Literal["created", "reverse"] = "created"
    gap_seconds: float = Field(default=0.05, ge=0, description="between one delivery and the next")


class ResendRequest(Strict):
    event: str
    copies: int = Field(default=1, ge=1, le=1000)
    skew_seconds: int = Field(default=0, description="sign it for this much later (or, negative, earlier) than now")
    tampered: bool = Field(default=False, description="change the body after signing it")


class AuthenticateRequest(Strict):
    succeeds: bool = True


class DisputeRequest(Strict):
    """Of all that was captured, unless an amount is named."""

    amount: int | None = Field(default=None, ge=1)
    reason: str = "fraudulent"
    inquiry: bool = False


class CopiesRequest(Strict):
    """Of anything that was made: as many more, each so many seconds older than the one before."""

    count: int = Field(ge=1, le=100_000)
    apart_seconds: int = Field(default=0, ge=0)


class Count(BaseModel):
    count: int


class LedgerView(BaseModel):
    payment_intents: list[dict[str, Any]]
    net: dict[str, int]
    fees: dict[str, int]
    balance: dict[str, int]
    movements: list[dict[str, Any]]
    transfers: list[dict[str, Any]]


class DeliveryView(BaseModel):
    id: int
    event: str
    type: str
    state: str
    attempts: int
    due: float
    last_status: int | None
    last_error: str | None
    created: float
    delivered: float | None


def control_routes(sandbox: Sandbox) -> APIRouter:
    router = APIRouter(prefix="/_sandbox", tags=["control"])
    _add_faults(router, sandbox)
    _add_clock(router, sandbox)
    _add_webhooks(router, sandbox)
    _add_reading(router, sandbox)
    _add_copies(router, sandbox)
    _add_people(router, sandbox)
    return router


def _add_faults(router: APIRouter, sandbox: Sandbox) -> None:
    @router.get("/faults")
    async def faults() -> list[Fault]:
        """The faults that wait for their calls."""
        return sandbox.faults.all()

    @router.post("/faults", status_code=201)
    async def set_fault(fault: Fault) -> list[Fault]:
        """Add a fault behind those that wait already."""
        sandbox.faults.replace([*sandbox.faults.all(), fault])
        return sandbox.faults.all()

    @router.delete("/faults", status_code=204)
    async def clear_faults() -> None:
        sandbox.faults.replace([])


def _add_clock(router: APIRouter, sandbox: Sandbox) -> None:
    @router.get("/clock")
    async def clock() -> ClockView:
        return ClockView(now=sandbox.clock.now(), offset_seconds=sandbox.clock.offset)

    @router.put("/clock")
    async def move_clock(wanted: ClockRequest) -> ClockView:
        """Move the sandbox's time; what ends by itself by then does so at once."""
        start = sandbox.clock.offset if wanted.offset_seconds is None else wanted.offset_seconds
        sandbox.clock.move(start + (wanted.advance_seconds or 0))
        sandbox.pass_time()
        return ClockView(now=sandbox.clock.now(), offset_seconds=sandbox.clock.offset)


def _add_webhooks(router: APIRouter, sandbox: Sandbox) -> None:
    deliveries = sandbox.deliveries

    @router.get("/webhooks")
    async def webhook_mode() -> Mode:
        return deliveries.mode

    @router.put("/webhooks")
    async def set_webhook_mode(mode: Mode) -> Mode:
        """For events from now on. Those already held stay held until released."""
        deliveries.mode = mode
        return deliveries.mode

    @router.post("/webhooks/release")
    async def release_webhooks(wanted: ReleaseRequest) -> Count:
        with sandbox.change():
            return Count(count=deliveries.release(wanted.order, wanted.gap_seconds))

    @router.post("/webhooks/retry")
    async def retry_webhooks() -> Count:
        """Try again now what failed before."""
        with sandbox.change():
            return Count(count=deliveries.hurry())

    @router.post("/webhooks/resend")
    async def resend_webhook(wanted: ResendRequest) -> Count:
        event = sandbox.store.find(wanted.event, "event")
        if event is None or not deliveries.url:
            raise HTTPException(404, "No such event, or no address to send it to.")
        with sandbox.change():
            for _ in range(wanted.copies):
                deliveries.resend(event, skew=wanted.skew_seconds, tampered=wanted.tampered)
        return Count(count=wanted.copies)

    @router.get("/deliveries")
    async def delivery_list(event: str | None = None, state: str | None = None, limit: int = 100) -> list[DeliveryView]:
        """Newest first, with the number of attempts and how the last of them ended."""
        return [DeliveryView(**dict(row)) for row in deliveries.listed(event, state, min(limit, 10_000))]


def _add_reading(router: APIRouter, sandbox: Sandbox) -> None:
    @router.get("/ledger")
    async def ledger(payment_intent: str | None = None) -> LedgerView:
        """Every movement of money, and its totals per payment intent; the account's fees and balance."""
        totals = sandbox.ledger.totals(payment_intent)
        movements = sandbox.ledger.movements(payment_intent)
        transfers = [] if payment_intent else sandbox.ledger.transfers()
        net = sandbox.ledger.sums(totals)
        sums = {"net": net, **sandbox.ledger.balances()}
        return LedgerView(payment_intents=totals, movements=movements, transfers=transfers, **sums)


def _add_copies(router: APIRouter, sandbox: Sandbox) -> None:
    @router.post("/objects/{identifier}/copies", status_code=201)
    async def make_copies(identifier: str, wanted: CopiesRequest) -> Count:
        """Be the crowd: others that were made before, without events and without our metadata."""
        with sandbox.change() as call:
            found = sandbox.store.find(identifier)
            if found is None:
                raise HTTPException(404, "No such object.")
            for number in range(1, wanted.count + 1):
                made = call.now - number * wanted.apart_seconds
                another = new_id(identifier.split("_")[0])
                sandbox.store.save(found | {"id": another, "created": made, "metadata": COPIED})
        return Count(count=wanted.count)

    @router.delete("/copies", status_code=204)
    async def remove_copies() -> None:
        with sandbox.change():
            sandbox.store.change("delete from objects where json_extract(body, '$.metadata.copied') is not null")


def _add_people(router: APIRouter, sandbox: Sandbox) -> None:
    """Who acts without being asked by the platform: customers and their banks."""

    @router.post("/payment_intents/{intent_id}/dispute", status_code=201)
    async def dispute_payment(intent_id: str, wanted: DisputeRequest) -> dict[str, Any]:
        """Be the customer's bank, some day after the payment."""
        challenge = Challenge(wanted.reason, "10.4", is_inquiry=wanted.inquiry)
        try:
            with sandbox.change() as call:
                charge = call.load("charge", call.load("payment_intent", intent_id)["latest_charge"] or "")
                return begin(call, charge, challenge, wanted.amount or charge["amount_captured"])
        except Refusal as refusal:
            raise HTTPException(refusal.status, str(refusal)) from refusal

    @router.post("/payment_intents/{intent_id}/authenticate")
    async def authenticate_customer(request: Request, intent_id: str, wanted: AuthenticateRequest) -> dict[str, Any]:
        """Be the customer in front of their bank's 3-D Secure page."""
        try:
            with sandbox.change(sandbox.url_for(request)) as call:
                return authenticate(call, call.load("payment_intent", intent_id), wanted.succeeds)
        except Refusal as refusal:
            raise HTTPException(refusal.status, str(refusal)) from refusal

    @router.post("/setup_intents/{setup_id}/authenticate")
    async def authenticate_setup(request: Request, setup_id: str, wanted: AuthenticateRequest) -> dict[str, Any]:
        """The same when a card is to be kept."""
        try:
            with sandbox.change(sandbox.url_for(request)) as call:
                return setup.authenticate(call, call.load("setup_intent", setup_id), wanted.succeeds)
        except Refusal as refusal:
            raise HTTPException(refusal.status, str(refusal)) from refusal
