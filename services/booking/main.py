"""The booking service, put together."""

from fastapi import FastAPI

from shared.app import build
from shared.settings import Settings

from .api import router
from .consumers import consumers
from .jobs import jobs


def create_app(settings: Settings) -> FastAPI:
    return build("booking", settings, routers=[router], consumers=consumers, jobs=jobs)
