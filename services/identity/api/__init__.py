"""HTTP of identity. No answer with a secret in it is ever stored, so none of these takes an Idempotency-Key."""

from . import accounts, keys, sessions

routers = [accounts.router, sessions.router, keys.router]
