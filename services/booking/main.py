"""The booking service, put together."""

from fastapi import FastAPI

from shared.app import build
from shared.places import load_places
from shared.settings import Role, Settings

from .api import routers
from .consumers import consumers
from .jobs import jobs


def create_app(settings: Settings) -> FastAPI:
    if settings.role is not Role.WORKER:
        load_places()
    return build("booking", settings, routers=routers, consumers=consumers, jobs=jobs)
