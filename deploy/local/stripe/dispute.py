"""Disputes: a customer's bank takes back what it paid, hears both sides, and decides. Stripe's test mode decides by the
text of the evidence."""

from . import balance, blank
from .call import Call
from .cards import Challenge
from .document import Document
from .ids import new_id
from .listing import listed
from .parameter import merged
from .params import DisputeList, DisputeParams, Params, read_params
from .payment_method import card_behind
from .refusal import Refusal

DAY = 24 * 3600
DAYS_TO_ANSWER = 9
FEE = 1500
OPEN = ("needs_response", "warning_needs_response")
TAKES_MONEY = ("needs_response", "under_review", "lost")
VERDICTS = {"winning_evidence": "won", "losing_evidence": "lost"}
ESCALATES = "escalate_inquiry_evidence"


def open_if_the_card_does(call: Call, charge: Document) -> None:
    """Some test cards pay, only to be disputed."""
    challenge = card_behind(call.load("payment_method", charge["payment_method"])).challenge
    if challenge is not None:
        begin(call, charge, challenge, charge["amount_captured"])


def begin(call: Call, charge: Document, challenge: Challenge, amount: int) -> Document:
    dispute = _new(call, charge, challenge, amount)
    call.store.save(dispute)
    call.store.save({**charge, "disputed": True})
    call.announce("charge.dispute.created", dispute)
    if not challenge.is_inquiry:
        _withdraw(call, dispute, charge)
    return dispute


def _new(call: Call, charge: Document, challenge: Challenge, amount: int) -> Document:
    brand = charge["payment_method_details"]["card"]["brand"]
    case = "inquiry" if challenge.is_inquiry else "chargeback"
    card = {"brand": brand, "case_type": case, "network": brand, "network_reason_code": challenge.network_reason_code}
    return {
        "id": new_id("dp"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**blank.EVIDENCE, "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": (call.now // DAY + DAYS_TO_ANSWER + 1) * DAY - 1,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": challenge.is_inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"type": "card", "card": card},
        "reason": challenge.reason,
        "status": "warning_needs_response" if challenge.is_inquiry else "needs_response",
    }


def _withdraw(call: Call, dispute: Document, charge: Document) -> None:
    _move(call, dispute, charge, "dispute", -1)
    call.announce("charge.dispute.funds_withdrawn", dispute)


def _reinstate(call: Call, dispute: Document, charge: Document) -> None:
    _move(call, dispute, charge, "dispute_reversal", 1)
    call.announce("charge.dispute.funds_reinstated", dispute)


def _move(call: Call, dispute: Document, charge: Document, kind: str, sign: int) -> None:
    """The money and the fee for the trouble, to the bank or back."""
    entry = balance.enter(call, "adjustment", dispute, sign * dispute["amount"], fee=-sign * FEE, category=kind)
    dispute["balance_transactions"] = [*dispute["balance_transactions"], entry]
    call.record(kind, charge, dispute["amount"], dispute=dispute["id"])
    call.store.save(dispute)


def update(call: Call, identifier: str) -> Document:
    """Evidence is sent to the bank with it, unless `submit=false` says that more is to come."""
    params = read_params(DisputeParams, call.tree)
    before = call.load("dispute", identifier)
    given = params.evidence.model_dump(exclude_unset=True) if params.evidence else {}
    submitted = bool(given) if params.submit is None else params.submit
    if (given or submitted) and before["status"] not in OPEN:
        raise Refusal("This dispute takes no more evidence.", code="dispute_closed")
    evidence = {**before["evidence"], **given}
    dispute = {**before, "metadata": merged(before["metadata"], params.metadata), "evidence": evidence}
    dispute["evidence_details"] = {**before["evidence_details"], "has_evidence": _any(evidence)}
    if submitted:
        _submit(dispute)
    call.store.save(dispute)
    call.announce("charge.dispute.updated", dispute, before)
    return _judged(call, dispute) if submitted else dispute


def _any(evidence: Document) -> bool:
    return any(value for name, value in evidence.items() if name != "enhanced_evidence")


def _submit(dispute: Document) -> None:
    details = dispute["evidence_details"]
    sent = {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
    dispute["evidence_details"] = {**details, **sent}
    dispute["status"] = dispute["status"].replace("needs_response", "under_review")


def _judged(call: Call, dispute: Document) -> Document:
    text = dispute["evidence"]["uncategorized_text"]
    inquiry = dispute["status"].startswith("warning")
    if inquiry and text == ESCALATES:
        return _escalated(call, dispute)
    verdict = VERDICTS.get(text or "")
    if verdict is None:
        return dispute
    return _closed(call, dispute, "warning_closed" if inquiry else verdict)


def _escalated(call: Call, before: Document) -> Document:
    """The bank was not content with an answer: what was a question is a dispute now."""
    card = {**before["payment_method_details"]["card"], "case_type": "chargeback"}
    details = {**before["payment_method_details"], "card": card}
    dispute = {**before, "status": "needs_response", "is_charge_refundable": False, "payment_method_details": details}
    call.store.save(dispute)
    call.announce("charge.dispute.updated", dispute, before)
    _withdraw(call, dispute, call.load("charge", dispute["charge"]))
    return dispute


def _closed(call: Call, before: Document, status: str) -> Document:
    dispute = {**before, "status": status}
    call.store.save(dispute)
    call.announce("charge.dispute.closed", dispute, before)
    if status == "won":
        _reinstate(call, dispute, call.load("charge", dispute["charge"]))
    return dispute


def close(call: Call, identifier: str) -> Document:
    """Accept it: it is lost."""
    read_params(Params, call.tree)
    dispute = call.load("dispute", identifier)
    if dispute["status"] != "needs_response":
        raise Refusal("This dispute cannot be closed any more.", code="dispute_closed")
    return _closed(call, dispute, "lost")


def lapse(call: Call) -> None:
    """What nobody answered in time is lost."""
    for dispute in call.store.all_of("dispute", status="needs_response"):
        if dispute["evidence_details"]["due_by"] <= call.now:
            _closed(call, dispute, "lost")


def contested(call: Call, charge: Document) -> int:
    """So much of a charge the bank has, or has for now."""
    disputes = call.store.all_of("dispute", charge=charge["id"])
    return sum(dispute["amount"] for dispute in disputes if dispute["status"] in TAKES_MONEY)


def retrieve(call: Call, identifier: str) -> Document:
    read_params(Params, call.tree)
    return _as_of_now(call, call.load("dispute", identifier))


def list_all(call: Call) -> Document:
    page = listed(call, "dispute", "/v1/disputes", read_params(DisputeList, call.tree))
    return {**page, "data": [_as_of_now(call, dispute) for dispute in page["data"]]}


def _as_of_now(call: Call, dispute: Document) -> Document:
    details = dispute["evidence_details"]
    return {**dispute, "evidence_details": {**details, "past_due": details["due_by"] <= call.now}}
