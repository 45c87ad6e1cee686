"""The sandbox as an ASGI application."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from .api import Api
from .control import control_routes
from .pages import page_routes
from .sandbox import Sandbox
from .settings import Settings

LOOKS_EVERY_SECONDS = 60


def create_app(settings: Settings) -> FastAPI:
    sandbox = Sandbox(settings)
    app = FastAPI(
        title="Stripe-compatible sandbox",
        docs_url=None,
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
        tasks = [asyncio.create_task(sandbox.courier.run()), asyncio.create_task(_pass_time(sandbox))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            sandbox.store.close()

    return lifespan


async def _pass_time(sandbox: Sandbox) -> None:
    while True:
        sandbox.pass_time()
        await asyncio.sleep(LOOKS_EVERY_SECONDS)
