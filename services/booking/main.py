"""The booking service, put together."""

from fastapi import FastAPI

from shared.app import build
from shared.places import load_places
from shared.settings import Role

from .api import routers
from .clients import Calendars
from .commands import tasks
from .consumers import consumers
from .domain.series import plan_ahead
from .domain.travel import choose
from .jobs import jobs
from .settings import Settings


def create_app(settings: Settings) -> FastAPI:
    if settings.role is not Role.WORKER:
        load_places()
    choose(settings.travel)
    plan_ahead(settings.series_days_ahead)
    calendars = Calendars(settings)
    return build(
        "booking", settings, routers=routers, consumers=consumers, jobs=jobs, tasks=tasks, clients=(calendars,)
    )
