"""The sandbox as an ASGI application."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from .api import Api
from .control import control_routes
from .pages import page_routes
from .sandbox import Sandbox
from .settings import Settings


def create_app(settings: Settings) -> FastAPI:
    sandbox = Sandbox(settings)
    app = FastAPI(
        title="Stripe-compatible sandbox",
        docs_url="/_sandbox/docs",
        openapi_url="/_sandbox/openapi.json",
        redoc_url=None,
        lifespan=_delivering(sandbox),
    )
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
    app.include_router(control_routes(sandbox))
    app.include_router(page_routes(sandbox))
    app.add_route("/{path:path}", Api(sandbox).answer, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    return app


def _delivering(sandbox: Sandbox) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        courier = asyncio.create_task(sandbox.courier.run())
        try:
            yield
        finally:
            courier.cancel()
            with suppress(asyncio.CancelledError):
                await courier
            sandbox.store.close()

    return lifespan
