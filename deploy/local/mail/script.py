"""Replies that a test has asked for: the ways in which mail servers fail, for chosen recipients."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Line(BaseModel):
    """What the next mail to a recipient meets.

    `reply` answers the recipient with a code (450-599) and stores nothing. `drop` cuts the connection where the
    answer to the message is due, `hang` leaves it unanswered; both have stored the message by then, unless told not to.
    """

    model_config = ConfigDict(extra="forbid")

    to: str = Field(default="", description="any part of the recipient's address; empty is everyone")
    action: Literal["reply", "drop", "hang"]
    code: int = Field(default=550, ge=400, le=599)
    message: str = Field(default="Refused as scripted", max_length=200, pattern=r"^[\x20-\x7e]*$")
    times: int | None = Field(default=1, ge=1, description="how many mails; null is until cleared")
    stored: bool = True
    seconds: float = Field(default=120, gt=0, description="how long to hang before cutting the connection")


class Script:
    """Kept in memory: a restarted catcher is a well-behaved one."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def add(self, line: Line) -> None:
        self.lines.append(line)

    def clear(self) -> None:
        self.lines.clear()

    def next_for(self, recipients: list[str], *actions: str) -> Line | None:
        """The first line that is meant for one of these recipients; it is used up by that."""
        for line in self.lines:
            if line.action in actions and any(line.to.lower() in recipient.lower() for recipient in recipients):
                self._use(line)
                return line
        return None

    def _use(self, line: Line) -> None:
        if line.times is not None:
            line.times -= 1
            self.lines[:] = [left for left in self.lines if left.times != 0]
