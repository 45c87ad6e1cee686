"""Faults that a tester sets: the ways in which a payment provider fails, for chosen calls, a chosen number of times."""

import asyncio
import secrets
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.requests import Request

from .connection import cut
from .controls import Controls
from .refusal import Refusal, TurnedAway

MODES_WITH_CHOICE = ("drop", "hang", "500-stored")


class Fault(BaseModel):
    """What goes wrong, where, and how often."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(default="*", description="a call's name, or a pattern of it: `payment_intents.*`")
    mode: Literal["drop", "hang", "slow", "429", "500", "500-stored"]
    times: int | None = Field(default=1, ge=1, description="how many calls; null is until cleared")
    probability: float = Field(default=1, gt=0, le=1, description="of hitting a call that it could hit")
    seconds: float = Field(default=60, gt=0, description="how long to hang, or to be slow")
    retry_after: int | None = Field(default=None, ge=0, description="seconds that a 429 asks to wait; null: none")
    effect: bool | None = Field(default=None, description="does the call take effect? drop and hang: yes by default")

    @model_validator(mode="after")
    def _only_where_there_is_a_choice(self) -> "Fault":
        if self.effect is not None and self.mode not in MODES_WITH_CHOICE:
            raise ValueError(f"effect can be chosen for {', '.join(MODES_WITH_CHOICE)} only")
        return self

    @property
    def takes_effect(self) -> bool:
        return self.mode in ("drop", "hang", "slow") if self.effect is None else self.effect

    async def strike_first(self) -> None:
        """What happens before the call is looked at."""
        if self.mode == "429":
            message = "Too many requests hit the API too quickly. We recommend an exponential backoff of your requests."
            headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
            raise TurnedAway(message, status=429, code="rate_limit", headers=headers)
        if self.mode == "500":
            raise TurnedAway(BROKEN, status=500, kind="api_error")
        if self.mode == "slow":
            await asyncio.sleep(self.seconds)

    async def strike_last(self, request: Request) -> None:
        """What happens to the answer, if it is one that gets lost."""
        if self.mode == "hang":
            await _until_gone(request, self.seconds)
        if self.mode in ("drop", "hang"):
            cut(request)


BROKEN = "An unknown error occurred"


def broken() -> Refusal:
    """The 500 that an idempotency key keeps."""
    return Refusal(BROKEN, status=500, kind="api_error")


async def _until_gone(request: Request, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass


class Faults:
    def __init__(self, controls: Controls) -> None:
        self.controls = controls

    def all(self) -> list[Fault]:
        return [Fault.model_validate(fault) for fault in self.controls.read("faults", [])]

    def replace(self, faults: list[Fault]) -> None:
        self.controls.write("faults", [fault.model_dump() for fault in faults])

    def next_for(self, name: str) -> Fault | None:
        """The first fault that hits this call; it is used up by that."""
        faults = self.all()
        for fault in faults:
            if fnmatchcase(name, fault.kind) and secrets.randbelow(1_000_000) < fault.probability * 1_000_000:
                self._use(faults, fault)
                return fault
        return None

    def _use(self, faults: list[Fault], used: Fault) -> None:
        if used.times is None:
            return
        used.times -= 1
        self.replace([fault for fault in faults if fault.times != 0])
