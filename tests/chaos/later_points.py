"""Where the rest is cut: cards saved for far visits, accounts and payouts of affiliates, papers and their mails."""

from . import sequel
from .points import (
    API,
    BOOKING,
    CALL,
    COMMANDS,
    JOB,
    RECEIVED,
    RUNNER,
    WORKER,
    Row,
    called,
    heard,
    rows,
    written,
)
from .victim import Point, after, before

MAIL = "notifications-worker"
PAYOUTS, INVOICES = f"{COMMANDS}.payouts", f"{COMMANDS}.invoices"
SERVER, SENDING = "services.notifications.clients:MailServer.send", "services.notifications.tasks"


def _named(points: list[tuple[str, Point]], of: str) -> list[tuple[str, Point]]:
    return [(f"{name} {of}", point) for name, point in points]


SET_UP = called("create_setup", "create_setup", "POST /v1/setup_intents'", "intents:adopt", "a set-up")
SAVED = [
    ("the saved card is looked at", before(f"{COMMANDS}.webhooks:settle_setup", "succeeded")),
    ("the card is saved", after(f"{COMMANDS}.webhooks:settle_setup", "succeeded")),
    ("the saved card is told", written("payments.card_saved.v1")),
    ("the set-up's webhook is handled", after(f"{CALL}.handle_webhook")),
]
NEAR = [
    ("the visit is near", after(f"{COMMANDS}.holds:lock_due_cards", "CARD_SAVED")),
    ("that is noted", after(JOB, "hold_on_saved_cards")),
    *_named(called("create_intent", "create_intent", "POST /v1/payment_intents'", "intents:adopt", "a hold"), "later"),
    *called("charge_saved_card", "charge_card", "/confirm'", "rest:settle_intent", "a saved card's hold"),
    ("the later hold is told", written("payments.authorised.v1")),
]
NOT_SAVED = called("cancel_setup", "cancel_setup", "/cancel'", "intents:settle_setup", "the end of a set-up")

JOINED = called("create_account", "create_account", "POST /v1/accounts'", "accounts:_keep", "an account")[1:]
ONBOARDED = called("check_account", "get_account", "GET /v1/accounts/", "accounts:_keep", "news of an account")
DECIDED = [
    ("who is due is to be looked at", before(f"{RUNNER}._make", "'make_payouts'")),
    ("somebody is due", after(f"{PAYOUTS}:claim_account_to_pay", "PayoutAccount")),
    ("what they have earned is known", after(f"{PAYOUTS}:earnings_of")),
    ("a payout is written", written("INSERT INTO payouts")),
    ("its items are written", written("INSERT INTO payout_items")),
    ("its payments are noted", after(f"{PAYOUTS}:note_as_paid_out")),
    ("a payout is decided", after(f"{PAYOUTS}:pay_out")),
    ("all are decided", after(f"{CALL}.make_payouts")),
    ("that is not crossed off", after(f"{RUNNER}._call", "'make_payouts'")),
]
SENT = [
    *called("send_payout", "create_transfer", "POST /v1/transfers'", "payouts:_keep", "a transfer"),
    ("a transfer is in the books", written("'payout:")),
    ("a transfer is told", written("payments.paid_out.v1")),
]

ISSUED = [
    *heard("bill_booking", "what is to be billed"),
    ("papers are wanted", written("'issue_papers'")),
    ("papers are claimed", before(f"{RUNNER}._make", "'issue_papers'")),
    ("what is missing is known", after(f"{INVOICES}:lock_dossier")),
    ("a number is taken", after(f"{INVOICES}:take_number")),
    ("a paper is written", written("INSERT INTO invoices")),
    ("a paper is told", written("payments.invoice_issued.v1")),
    ("a paper is issued", after(f"{INVOICES}:_issue_next", "True")),
    ("all papers are issued", after(f"{CALL}.issue_papers")),
    ("papers are not crossed off", after(f"{RUNNER}._call", "'issue_papers'")),
]
MAILED = [
    *heard("send_paper", "a paper"),
    ("a mail is wanted", written("'send_email'")),
    ("a mail is claimed", before(f"{RUNNER}._make", "'send_email'")),
    ("a mail is looked at", after(f"{SENDING}:_prepare")),
    ("a paper is about to be sent", before(SERVER, "receipt")),
    ("a paper is sent", after(SERVER, "receipt")),
    ("a mail is noted as sent", after(f"{SENDING}:_conclude")),
    ("a mail is not crossed off", after(f"{RUNNER}._call", "'send_email'")),
]

LATER: list[Row] = [
    *rows(WORKER, sequel.is_held_for_from_afar, [*SET_UP, *SAVED, *NEAR]),
    *rows(BOOKING, sequel.is_held_for_from_afar, heard("confirm_authorised_booking", "the saved card")),
    *rows(API, sequel.is_held_for_from_afar, _named(RECEIVED, "of a set-up")),
    *rows(WORKER, sequel.never_saves_a_card, NOT_SAVED),
    *rows(WORKER, sequel.joins, [*JOINED, *ONBOARDED]),
    *rows(WORKER, sequel.is_paid_out, [*DECIDED, *SENT]),
    *rows(WORKER, sequel.gets_papers, ISSUED),
    *rows(MAIL, sequel.gets_papers, MAILED),
]
