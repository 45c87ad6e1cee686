"""The payments service, put together."""

from fastapi import FastAPI

from shared.app import build

from .api import routers
from .clients import Provider
from .commands import tasks
from .consumers import consumers
from .jobs import jobs
from .settings import Settings


def create_app(settings: Settings) -> FastAPI:
    provider = Provider(settings)
    clients = (provider, settings.payout_terms, settings.letterhead)
    return build("payments", settings, routers=routers, consumers=consumers, jobs=jobs, tasks=tasks, clients=clients)
