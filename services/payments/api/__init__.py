"""HTTP of payments."""

from . import accounts, disputes, ledger, payments, refund_requests, tips, webhooks

routers = [
    payments.router,
    tips.router,
    refund_requests.router,
    disputes.router,
    ledger.router,
    accounts.router,
    webhooks.router,
]
