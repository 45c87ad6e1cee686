"""HTTP of payments."""

from . import accounts, ledger, payments, webhooks

routers = [payments.router, ledger.router, accounts.router, webhooks.router]
