"""How often the provider is called, and when it is left alone. The time is an argument, in seconds of any clock."""

from .provider import Unanswered

HOLDS_AT_MOST = 60.0  # seconds after a 429, whatever it asks for
BACKS_OFF_TO = 32.0  # seconds, where it asks for nothing


class Held(Unanswered):
    """Not sent: so many calls wait, or the provider has asked for a pause, that its turn would come too late."""


class LeftAlone(Unanswered):
    """Not sent: the provider has been silent for too long; it is tried again in a moment, by one call."""


class Pace:
    """So many calls a second at most, evenly; after a 429 none for as long as it asks, or for longer each time."""

    def __init__(self, per_second: float, patience: float) -> None:
        self._gap, self._patience = 1 / per_second, patience
        self._next_at = self._held_until = 0.0
        self._refused = 0  # times in a row

    def turn(self, at: float) -> float:
        """How long to wait before the next call, which has its place in the line by that; `Held` if it is too long."""
        turn = max(self._next_at, self._held_until, at)
        if turn - at > self._patience:
            raise Held
        self._next_at = turn + self._gap
        return turn - at

    def must_not_be_held(self, at: float) -> None:
        """For who waited: meanwhile another call may have been told to pause."""
        if at < self._held_until:
            raise Held

    def hold(self, at: float, asked: float | None) -> None:
        """A 429. Of those that were under way together only the first makes the pause longer."""
        if at >= self._held_until:
            pause = min(2.0**self._refused, BACKS_OFF_TO) if asked is None else min(max(asked, 0.0), HOLDS_AT_MOST)
            self._held_until, self._refused = at + pause, self._refused + 1

    def go_on(self) -> None:
        """An answer that was no 429."""
        self._refused = 0


class Breaker:
    """Open after so many calls in a row without an answer; then for `pause` seconds nothing is sent, and after that one
    call at a time tries. Any answer closes it."""

    def __init__(self, after: int, pause: float) -> None:
        self._after, self._pause = after, pause
        self._silent, self._open_until, self._trying = 0, 0.0, False

    @property
    def is_open(self) -> bool:
        return self._silent >= self._after

    def admit(self, at: float) -> None:
        """`LeftAlone`, or the call goes out; what came of it must be told by one of the three below."""
        if not self.is_open:
            return
        if self._trying or at < self._open_until:
            raise LeftAlone
        self._trying = True

    def heard(self) -> None:
        self._silent, self._trying = 0, False

    def unheard(self, at: float) -> None:
        self._silent, self._trying = self._silent + 1, False
        self._open_until = at + self._pause

    def given_up(self) -> None:
        """The call ended before anything could be learnt of it."""
        self._trying = False
