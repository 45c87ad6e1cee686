"""The process: one event loop with the SMTP server and the web pages."""

import uvicorn

from .app import create_app
from .settings import Settings

GRACE_SECONDS = 2


def serve(settings: Settings) -> None:
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.http_port,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
