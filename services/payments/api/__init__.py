"""HTTP of payments."""

from . import accounts, disputes, ledger, payments, refund_requests, webhooks

routers = [payments.router, refund_requests.router, disputes.router, ledger.router, accounts.router, webhooks.router]
