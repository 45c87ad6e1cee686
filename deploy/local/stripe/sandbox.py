"""The parts of the sandbox, put together once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request

from .call import Call
from .capture import expire_holds
from .clock import Clock
from .controls import Controls
from .courier import Courier
from .deliveries import Deliveries
from .dispute import lapse
from .fault import Faults
from .idempotency import IdempotencyKeys
from .ledger import Ledger
from .settings import Settings
from .store import Store


class Sandbox:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.state)
        self.controls = Controls(self.store)
        self.clock = Clock(self.controls)
        self.deliveries = Deliveries(self.store, self.controls, settings.webhook_url)
        self.courier = Courier(self.deliveries, settings.webhook_secret)
        self.faults = Faults(self.controls)
        self.keys = IdempotencyKeys(self.store)
        self.ledger = Ledger(self.store)

    @contextmanager
    def change(self, public_url: str = "", **more: Any) -> Iterator[Call]:
        """One transaction, and a courier that looks for what it left to deliver."""
        more = {"tree": {}, **more}
        with self.store.transaction():
            yield Call(self.store, self.deliveries, self.clock.now(), public_url, **more)
        self.courier.wake()

    def pass_time(self) -> None:
        """What ends by itself: holds that nobody captured, disputes that nobody answered."""
        with self.change() as call:
            expire_holds(call)
            lapse(call)

    def url_for(self, request: Request) -> str:
        """Where a browser finds this server: as configured, or else as this caller did."""
        return (self.settings.public_url or str(request.base_url)).rstrip("/")
