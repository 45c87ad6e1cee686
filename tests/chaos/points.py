"""Where the money path is cut: one row for each point between two of its steps. `later_points` has what comes after."""

from dataclasses import dataclass

from .story import Story, Tale
from .victim import ANSWERED, SENT, SQL, Point, after, before, on_the_wire

WORKER, API, BOOKING = "payments-worker", "payments-api", "booking-worker"
RUNNER, RELAY, CONSUMER = "shared.tasks:Runner", "shared.relay:Relay", "shared.worker:Worker"
PUBLISHER, JOB, RESPONSE = "shared.broker:Publisher", "shared.jobs:run_if_due", "starlette.responses:Response.__call__"
COMMANDS, PROVIDER = "services.payments.commands", "services.payments.clients:Provider"
CALL = f"{COMMANDS}:tasks.all"


@dataclass(frozen=True)
class Row:
    """`name` says what was just done, or is about to be."""

    name: str
    program: str
    tale: Tale
    point: Point

    def __str__(self) -> str:
        return self.name.replace(" ", "-").replace(",", "")


def written(what: str) -> Point:
    """A statement was executed, and its transaction not committed."""
    return Point(SQL, "after", what)


def heard(consumer: str, what: str) -> list[tuple[str, Point]]:
    """A message on its way through a consumer."""
    function = f"function {consumer} "
    return [
        (f"{what} has come", before(f"{CONSUMER}._act", function)),
        (f"{what} is in the inbox", after("shared.consumers:Consumer._new_among", function)),
        (f"{what} has its effect", after("shared.consumers:Consumer.consume", function)),
        (f"{what} is committed", after(f"{CONSUMER}._act", function)),
        (f"{what} is acknowledged", after(f"{CONSUMER}._settle", function)),
    ]


def called(task: str, call: str, request: str, settled: str, what: str) -> list[tuple[str, Point]]:
    """A call on its way to the provider and back."""
    return [
        (f"{what} is wanted", written(f"'{task}'")),
        (f"{what} is claimed", before(f"{RUNNER}._make", f"'{task}'")),
        (f"{what} is about to be asked for", before(f"{PROVIDER}.{call}")),
        (f"{what} is asked for", on_the_wire(request, SENT)),
        (f"{what} is done by the provider", on_the_wire(request, ANSWERED)),
        (f"{what} is answered", after(f"{PROVIDER}.{call}")),
        (f"{what} is settled", after(f"{COMMANDS}.{settled}")),
        (f"{what} is stored", after(f"{CALL}.{task}")),
        (f"{what} is made, and not crossed off", after(f"{RUNNER}._call", f"'{task}'")),
    ]


def rows(program: str, tale: Tale, points: list[tuple[str, Point]]) -> list[Row]:
    return [Row(name, program, tale, point) for name, point in points]


MADE = called("create_intent", "create_intent", "POST /v1/payment_intents'", "intents:adopt", "an intent")
PAID = [
    ("the intent is told of", written("payments.intent_created.v1")),
    ("the webhook is claimed", before(f"{RUNNER}._make", "'handle_webhook'")),
    ("the webhook is looked at", before(f"{COMMANDS}.webhooks:settle_intent", "succeeded")),
    ("the payment is captured", after(f"{COMMANDS}.webhooks:settle_intent", "succeeded")),
    ("the books are written", written("INSERT INTO postings")),
    ("the capture is told", written("payments.captured.v1")),
    ("the webhook is handled", after(f"{CALL}.handle_webhook")),
    ("the webhook is done with, and not crossed off", after(f"{RUNNER}._call", "'handle_webhook'")),
]
PUBLISHED = [
    ("the outbox is read", before(f"{RELAY}._publish_all")),
    ("the capture is about to be published", before(f"{PUBLISHER}.publish", "payments.captured.v1")),
    ("the broker has it unconfirmed", before("aiormq.channel:Channel._on_confirm_frame")),
    ("the broker has confirmed it", after(f"{PUBLISHER}.publish", "payments.captured.v1")),
    ("it is out of the outbox uncommitted", before(f"{RELAY}._wait")),
    ("it is out of the outbox", after(f"{RELAY}._move")),
]
RECEIVED = [
    ("a webhook has come", before(f"{PROVIDER}.verified")),
    ("a webhook is verified", after(f"{PROVIDER}.verified")),
    ("a webhook is stored", written("INSERT INTO webhooks")),
    ("its handling is wanted", written("'handle_webhook'")),
    ("that is committed", before(RESPONSE, "webhooks/stripe")),
    ("a webhook is answered", after(RESPONSE, "webhooks/stripe")),
]
BACK = called("send_refund", "refund", "POST /v1/refunds'", "refunds:settle_refund", "a refund")
OFF = called("cancel_intent", "cancel_intent", "/cancel'", "intents:settle_intent", "the end of an intent")
REST = called("charge_saved_card", "charge_card", "/confirm'", "rest:settle_intent", "the rest")
TAKEN = called("capture_hold", "capture_intent", "/capture'", "holds:settle_intent", "what is held")
ASKED = called("check_intent", "get_intent", "GET /v1/payment_intents/", "reconciliation:settle_intent", "a look")

POINTS: list[Row] = [
    *rows(WORKER, Story.pays, [*heard("prepare_payment", "the booking"), *MADE, *PAID, *PUBLISHED]),
    *rows(API, Story.pays, RECEIVED),
    *rows(BOOKING, Story.pays, heard("confirm_paid_booking", "the money")),
    *rows(WORKER, Story.pays_unheard, [*ASKED, ("the job is done", after(JOB, "ask_about_open_payments"))]),
    *rows(WORKER, Story.cancels, [*heard("refund_payment", "the cancellation"), *BACK]),
    *rows(WORKER, Story.cancels, [("the refund is told", written("payments.refunded.v1"))]),
    *rows(WORKER, Story.lets_it_run_out, [*heard("call_off_payment", "the expiry"), *OFF]),
    *rows(BOOKING, Story.lets_it_run_out, [("the hold is over", written("booking.expired.v1"))]),
    *rows(WORKER, Story.pays_late, [(f"{name} that was paid late", point) for name, point in OFF]),
    *rows(BOOKING, Story.pays_late, [("the time is taken again", written("booking.confirmed.v1"))]),
    *rows(WORKER, Story.completes, [("a customer is made", on_the_wire("POST /v1/customers", ANSWERED)), *REST]),
    *rows(WORKER, Story.is_held_for, [("the hold is told", written("payments.authorised.v1")), *TAKEN]),
    *rows(BOOKING, Story.is_held_for, heard("confirm_authorised_booking", "the hold")),
    *rows(WORKER, Story.lets_go, [(f"{name} that was held", point) for name, point in OFF]),
    *rows(API, Story.cancels, [(f"{name} before the refund", point) for name, point in RECEIVED]),
]
