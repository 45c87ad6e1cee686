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

SETUP_INTENT: Document = dict.fromkeys(
    (
        "application",
        "cancellation_reason",
        "customer",
        "customer_account",
        "excluded_payment_method_types",
        "flow_directions",
        "last_setup_error",
        "latest_attempt",
        "managed_payments",
        "mandate",
        "next_action",
        "on_behalf_of",
        "payment_method_configuration_details",
        "single_use_mandate",
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

EVIDENCE: Document = dict.fromkeys(
    (
        "access_activity_log",
        "billing_address",
        "cancellation_policy",
        "cancellation_policy_disclosure",
        "cancellation_rebuttal",
        "customer_communication",
        "customer_email_address",
        "customer_name",
        "customer_purchase_ip",
        "customer_signature",
        "duplicate_charge_documentation",
        "duplicate_charge_explanation",
        "duplicate_charge_id",
        "product_description",
        "receipt",
        "refund_policy",
        "refund_policy_disclosure",
        "refund_refusal_explanation",
        "service_date",
        "service_documentation",
        "shipping_address",
        "shipping_carrier",
        "shipping_date",
        "shipping_documentation",
        "shipping_tracking_number",
        "uncategorized_file",
        "uncategorized_text",
    )
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

TRANSFER: Document = {
    "amount_reversed": 0,
    "balance_transaction": None,
    "livemode": False,
    "reversed": False,
    "source_transaction": None,
    "source_type": "card",
}

REQUIREMENTS: Document = {
    "alternatives": [],
    "current_deadline": None,
    "currently_due": [],
    "disabled_reason": None,
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}

CONTROLLER: Document = {
    "fees": {"payer": "application_express"},
    "losses": {"payments": "application"},
    "requirement_collection": "stripe",
    "stripe_dashboard": {"type": "express"},
}

ACCOUNT: Document = {
    "business_profile": {
        **dict.fromkeys(
            (
                "annual_revenue",
                "estimated_worker_count",
                "mcc",
                "minority_owned_business_designation",
                "name",
                "product_description",
                "support_address",
                "support_email",
                "support_phone",
                "support_url",
                "url",
            )
        ),
    },
    "business_type": None,
    "default_currency": "usd",
    "future_requirements": REQUIREMENTS,
    "settings": {
        "bacs_debit_payments": dict.fromkeys(("display_name", "service_user_number")),
        "branding": dict.fromkeys(("icon", "logo", "primary_color", "secondary_color")),
        "card_issuing": {"tos_acceptance": dict.fromkeys(("date", "ip"))},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            **dict.fromkeys(
                (
                    "statement_descriptor_prefix",
                    "statement_descriptor_prefix_kana",
                    "statement_descriptor_prefix_kanji",
                )
            ),
        },
        "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
        "invoices": dict.fromkeys(("default_account_tax_ids", "hosted_payment_method_save")),
        "payments": dict.fromkeys(
            (
                "statement_descriptor",
                "statement_descriptor_kana",
                "statement_descriptor_kanji",
                "statement_descriptor_prefix_kana",
                "statement_descriptor_prefix_kanji",
            )
        ),
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {"delay_days": 2, "interval": "daily"},
            "statement_descriptor": None,
        },
        "sepa_debit_payments": {},
    },
    "tos_acceptance": dict.fromkeys(("date", "ip", "user_agent")),
}
