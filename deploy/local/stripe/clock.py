"""The sandbox's time: the machine's, moved by an offset that a tester sets.

Ages of idempotency keys, holds on cards and every `created` follow it. Webhooks do not: their signatures and
retries use the machine's time, as their receivers do.
"""

import time

from .controls import Controls


class Clock:
    def __init__(self, controls: Controls) -> None:
        self.controls = controls

    @property
    def offset(self) -> int:
        offset: int = self.controls.read("clock", 0)
        return offset

    def now(self) -> int:
        return int(time.time()) + self.offset

    def move(self, offset: int) -> None:
        self.controls.write("clock", offset)
