"""How long it takes to drive from one place to another: an estimate from the distance, until there is a better one.

Another implementation of `Travel` (a routing engine's table, say) gets a name in ESTIMATORS, and `MDH_TRAVEL` says it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from shared.places import Place

NO_TIME = timedelta(0)


class Travel(Protocol):
    """Minutes by road. It does no I/O: what it has to ask for it has asked before."""

    def minutes(self, start: Place, end: Place) -> int: ...


@dataclass(frozen=True)
class ByDistance:
    """The great circle, times what roads make of it, at the speeds of such distances.

    `bands`: up to so many kilometres of road at so many km/h, what is beyond at the next speed: further never takes
    less. A zip code's centroid is a kilometre or so beside the house: what is nearer counts as no drive.
    """

    road_factor: float = 1.3
    nearby_m: float = 1_000
    bands: tuple[tuple[float, float], ...] = ((5, 25), (20, 40), (80, 70), (float("inf"), 95))

    def minutes(self, start: Place, end: Place) -> int:
        metres = start.metres_to(end.latitude, end.longitude)
        if metres < self.nearby_m:
            return 0
        road, behind, hours = metres * self.road_factor / 1000, 0.0, 0.0
        for up_to, speed in self.bands:
            hours += max(min(road, up_to) - behind, 0) / speed
            behind = up_to
        return round(hours * 60)


BY_DISTANCE = ByDistance()
ESTIMATORS: dict[str, Travel] = {"distance": BY_DISTANCE}
_chosen: list[Travel] = [BY_DISTANCE]


def choose(name: str) -> None:
    """For this process, when it starts."""
    _chosen[0] = ESTIMATORS[name]


def chosen() -> Travel:
    return _chosen[0]


class Drives:
    """From and to one place, each asked for once. It takes no time where an end is not known."""

    def __init__(self, travel: Travel, here: Place | None) -> None:
        self._travel, self._here = travel, here
        self._known: dict[tuple[Place, bool], timedelta] = {}

    def from_(self, there: Place | None) -> timedelta:
        return self._drive(there, away=False)

    def to(self, there: Place | None) -> timedelta:
        return self._drive(there, away=True)

    def _drive(self, there: Place | None, *, away: bool) -> timedelta:
        if self._here is None or there is None:
            return NO_TIME
        if (there, away) not in self._known:
            ends = (self._here, there) if away else (there, self._here)
            self._known[there, away] = timedelta(minutes=self._travel.minutes(*ends))
        return self._known[there, away]
