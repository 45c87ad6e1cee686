"""One entry point for every service and role: `mdh serve <service> --role api|worker|all`."""

import gc
import importlib
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from shared import logging, telemetry
from shared.settings import Role, Settings
from shared.stopping import REQUESTS, REQUESTS_ALONE

CYCLES_AFTER = 10_000  # objects made and not freed by counting; Python's 700 are a look at them several times a request


def load(service: str, make: Callable[[type[Settings]], Settings] = lambda kind: kind()) -> FastAPI:
    """The app of a service: `services.<service>.main:create_app` with its `Settings`, made from the environment."""
    main = importlib.import_module(f"services.{service}.main")
    app: FastAPI = main.create_app(make(main.Settings))
    return app


class _Server(uvicorn.Server):
    """On SIGTERM readiness turns 503 at once, so that balancers stop sending while what is in work is finished."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        app = self.config.app
        assert isinstance(app, FastAPI)
        app.state.stopping = True
        super().handle_exit(sig, frame)


def serve(service: str) -> None:
    """Runs until SIGTERM or SIGINT; drains for 20 s at most."""
    app = load(service)
    settings: Settings = app.state.settings
    logging.configure(settings, service)
    telemetry.trace_to(settings.otlp_endpoint, service)
    drain = REQUESTS_ALONE if settings.role is Role.API else REQUESTS
    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, log_config=None, access_log=False, server_header=False,
        date_header=False, timeout_graceful_shutdown=drain, timeout_keep_alive=75,
        proxy_headers=bool(settings.trusted_proxies), forwarded_allow_ips=settings.trusted_proxies,
    )  # fmt: skip
    _leave_modules_alone()
    _Server(config).run()


def _leave_modules_alone() -> None:
    """What was imported stays: the collector need not go through a quarter of a million objects again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(CYCLES_AFTER, 10, 10)
