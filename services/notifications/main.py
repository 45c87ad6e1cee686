"""The notifications service, put together."""

from fastapi import FastAPI

from shared.app import build

from .api import router
from .clients import MailServer
from .consumers import consumers
from .jobs import jobs
from .settings import Settings
from .tasks import tasks

__all__ = ["Settings", "create_app"]


def create_app(settings: Settings) -> FastAPI:
    return build(
        "notifications",
        settings,
        routers=[router],
        consumers=consumers,
        jobs=jobs,
        tasks=tasks,
        clients=(MailServer(settings),),
    )
