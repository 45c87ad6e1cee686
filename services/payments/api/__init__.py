"""HTTP of payments."""

from . import accounts, ledger, payments, refund_requests, webhooks

routers = [payments.router, refund_requests.router, ledger.router, accounts.router, webhooks.router]
