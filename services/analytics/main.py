"""The analytics service, put together."""

from fastapi import FastAPI

from shared.app import build

from .api import router
from .consumers import consumers
from .jobs import retention
from .settings import Settings


def create_app(settings: Settings) -> FastAPI:
    jobs = retention(settings.analytics_retention_days)
    return build("analytics", settings, routers=[router], consumers=consumers, jobs=jobs)
