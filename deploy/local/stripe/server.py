"""The process: uvicorn around the app."""

import uvicorn

from .app import create_app
from .connection import CuttableProtocol
from .settings import Settings

GRACE_SECONDS = 2


def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; a request that hangs holds that up for a short grace only."""
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=CuttableProtocol,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
