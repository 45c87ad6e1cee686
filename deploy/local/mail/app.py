"""The catcher as an ASGI application, which opens the SMTP port for as long as it runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from .api import api_routes
from .box import Box
from .pages import page_routes
from .script import Script
from .settings import Settings
from .smtp import Catcher, smtp_session


def create_app(settings: Settings) -> FastAPI:
    box, script = Box(settings.state), Script()
    lifespan = _listening(settings, Catcher(box, script))
    app = FastAPI(title="Mail catcher", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.include_router(api_routes(box, script))
    app.include_router(page_routes(box))
    return app


def _listening(settings: Settings, catcher: Catcher) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: smtp_session(catcher), settings.host, settings.smtp_port)
        try:
            yield
        finally:
            server.close()

    return lifespan
