"""The fields that Stripe's resources have and that nothing in this sandbox fills."""

from .document import Document

PAYMENT_INTENT: Document = dict.fromkeys(
    (
        "application",
        "application_fee_amount",
        "customer_account",
        "excluded_payment_method_types",
        "managed_payments",
        "on_behalf_of",
        "payment_method_configuration_details",
        "processing",
        "review",
        "shipping",
        "source",
        "transfer_data",
    )
)

CHARGE: Document = dict.fromkeys(
    (
        "application",
        "application_fee",
        "application_fee_amount",
        "failure_balance_transaction",
        "on_behalf_of",
        "receipt_number",
        "review",
        "shipping",
        "source",
        "source_transfer",
        "transfer_data",
    )
)

CHARGED_CARD: Document = dict.fromkeys(("installments", "mandate", "network_transaction_id", "transaction_link_id"))

REFUND: Document = dict.fromkeys(
    ("customer_account", "receipt_number", "source_transfer_reversal", "transfer_reversal")
)

CUSTOMER: Document = {
    **dict.fromkeys(("address", "currency", "default_source", "discount", "shipping", "test_clock")),
    "balance": 0,
    "delinquent": False,
    "invoice_settings": dict.fromkeys(("custom_fields", "default_payment_method", "footer", "rendering_options")),
    "livemode": False,
    "next_invoice_sequence": 1,
    "preferred_locales": [],
    "tax_exempt": "none",
}
