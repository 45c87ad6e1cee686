"""The identity service, put together."""

from fastapi import FastAPI

from shared.app import build
from shared.settings import Role

from .api import routers
from .clients import Providers
from .consumers import consumers
from .jobs import jobs
from .keys import AccessTokens, OwnKeys, SigningKeys
from .passwords import Passwords
from .settings import Settings
from .tasks import tasks
from .vault import Vault


def create_app(settings: Settings) -> FastAPI:
    providers = Providers(settings)
    app = build(
        "identity", settings, routers=routers, consumers=consumers, jobs=jobs, tasks=tasks, clients=(providers,)
    )
    if settings.role is not Role.WORKER:
        keys = SigningKeys.load(settings)
        app.state.signing_keys, app.state.keys = keys, OwnKeys(keys)
        app.state.access_tokens = AccessTokens(keys, settings)
        app.state.providers = providers
        app.state.passwords, app.state.vault = Passwords(settings.hashes_at_once), Vault.load(settings)
    return app
