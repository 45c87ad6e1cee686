"""HTTP of payments."""

from . import accounts, disputes, ledger, payments, payouts, refund_requests, tips, webhooks

routers = [
    payments.router,
    tips.router,
    refund_requests.router,
    disputes.router,
    ledger.router,
    payouts.router,
    accounts.router,
    webhooks.router,
]
