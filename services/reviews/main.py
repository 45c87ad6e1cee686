"""The reviews service, put together."""

from fastapi import FastAPI

from shared.app import build
from shared.settings import Settings

from .api import router
from .consumers import consumers


def create_app(settings: Settings) -> FastAPI:
    return build("reviews", settings, routers=[router], consumers=consumers)
