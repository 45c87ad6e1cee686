"""HTTP of identity. No answer with a secret in it is ever stored, so none of those takes an Idempotency-Key."""

from . import (
    accounts,
    api_keys,
    consents,
    credentials,
    customers,
    impersonations,
    keys,
    oidc,
    own_sessions,
    pages,
    personal,
    personal_pages,
    registrations,
    second_factor,
    sessions,
    teams,
    users,
)
from .request import declare_limits

routers = [
    registrations.router,
    personal_pages.router,
    pages.router,
    accounts.router,
    credentials.router,
    sessions.router,
    own_sessions.router,
    second_factor.router,
    oidc.router,
    users.router,
    impersonations.router,
    api_keys.router,
    customers.router,
    consents.router,
    teams.router,
    keys.router,
    personal.router,
]
declare_limits(routers)
