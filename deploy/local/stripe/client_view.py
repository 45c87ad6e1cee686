"""What a customer's client sees of an intent: not whose it is, nor what the platform noted on it."""

from .document import Document

HIDDEN = frozenset(
    (
        "amount_capturable",
        "amount_received",
        "application",
        "application_fee_amount",
        "customer",
        "customer_account",
        "excluded_payment_method_types",
        "latest_charge",
        "managed_payments",
        "metadata",
        "on_behalf_of",
        "payment_method_configuration_details",
        "payment_method_options",
        "review",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_data",
        "transfer_group",
    )
)


def client_view(document: Document) -> Document:
    if document.get("object") not in ("payment_intent", "setup_intent"):
        return document
    return {name: value for name, value in document.items() if name not in HIDDEN}
