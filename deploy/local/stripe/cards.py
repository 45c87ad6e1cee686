"""The test cards and what each of them does, as Stripe documents them."""

from dataclasses import dataclass
from hashlib import sha256

DECLINE_MESSAGES = {
    "card_declined": "Your card was declined.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "insufficient_funds": "Your card has insufficient funds.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}


@dataclass(frozen=True)
class Decline:
    code: str
    reason: str

    @property
    def message(self) -> str:
        return DECLINE_MESSAGES.get(self.reason, DECLINE_MESSAGES[self.code])


@dataclass(frozen=True)
class Challenge:
    """How a card's bank will dispute what it has paid: as an inquiry, it only asks and takes nothing yet."""

    reason: str
    network_reason_code: str
    is_inquiry: bool = False


@dataclass(frozen=True)
class Card:
    number: str
    brand: str
    label: str
    names: tuple[str, ...]
    decline: Decline | None = None
    asks_for_authentication: bool = False
    funding: str = "credit"
    challenge: Challenge | None = None
    is_available_at_once: bool = False
    asks_until_kept: bool = False
    declines_only_charges: bool = False

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        """Stands for the number wherever the number itself must not be shown."""
        return sha256(self.number.encode()).hexdigest()[:16]


def _declining(number: str, reason: str, label: str, suffix: str, code: str = "card_declined") -> Card:
    names = (f"pm_card_visa_{suffix}", f"pm_card_{suffix}")
    return Card(number, "visa", label, names, Decline(code, reason))


CARDS = (
    Card("4242424242424242", "visa", "Visa, pays", ("pm_card_visa",)),
    Card("5555555555554444", "mastercard", "Mastercard, pays", ("pm_card_mastercard",)),
    Card("378282246310005", "amex", "American Express, pays", ("pm_card_amex",)),
    Card("4000056655665556", "visa", "Visa debit, pays", ("pm_card_visa_debit",), funding="debit"),
    Card(
        "4000000000000077",
        "visa",
        "Visa, pays, and the money is available at once",
        ("pm_card_bypassPending",),
        is_available_at_once=True,
    ),
    Card(
        "4000002760003184",
        "visa",
        "Visa, asks for 3-D Secure",
        ("pm_card_authenticationRequired", "pm_card_threeDSecure2Required"),
        asks_for_authentication=True,
    ),
    Card(
        "4000008260003178",
        "visa",
        "Visa, asks for 3-D Secure, then has insufficient funds",
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",),
        Decline("card_declined", "insufficient_funds"),
        asks_for_authentication=True,
    ),
    Card(
        "4000000000000259",
        "visa",
        "Visa, pays, then is disputed as fraudulent",
        ("pm_card_createDispute",),
        challenge=Challenge("fraudulent", "10.4"),
    ),
    Card(
        "4000000000002685",
        "visa",
        "Visa, pays, then is disputed as not received",
        ("pm_card_createDisputeProductNotReceived",),
        challenge=Challenge("product_not_received", "13.1"),
    ),
    Card(
        "4000000000001976",
        "visa",
        "Visa, pays, then its bank has questions",
        ("pm_card_createDisputeInquiry",),
        challenge=Challenge("fraudulent", "10.4", is_inquiry=True),
    ),
    Card(
        "4000002500003155",
        "visa",
        "Visa, asks for 3-D Secure when it is kept, then no more",
        ("pm_card_authenticationRequiredOnSetup",),
        asks_for_authentication=True,
        asks_until_kept=True,
    ),
    Card(
        "4000000000000341",
        "visa",
        "Visa, can be kept, but is declined when it is charged",
        ("pm_card_chargeCustomerFail",),
        Decline("card_declined", "generic_decline"),
        declines_only_charges=True,
    ),
    _declining("4000000000000002", "generic_decline", "Visa, declined", "chargeDeclined"),
    _declining("4000000000009995", "insufficient_funds", "Visa, insufficient funds", "chargeDeclinedInsufficientFunds"),
    _declining("4000000000009987", "lost_card", "Visa, reported lost", "chargeDeclinedLostCard"),
    _declining("4000000000009979", "stolen_card", "Visa, reported stolen", "chargeDeclinedStolenCard"),
    _declining("4000000000000069", "expired_card", "Visa, expired", "chargeDeclinedExpiredCard", "expired_card"),
    _declining(
        "4000000000000127", "incorrect_cvc", "Visa, wrong security code", "chargeDeclinedIncorrectCvc", "incorrect_cvc"
    ),
    _declining(
        "4000000000000119",
        "processing_error",
        "Visa, error at the bank",
        "chargeDeclinedProcessingError",
        "processing_error",
    ),
)

BY_NAME = {name: card for card in CARDS for name in card.names}
BY_NUMBER = {card.number: card for card in CARDS}
BY_FINGERPRINT = {card.fingerprint: card for card in CARDS}
