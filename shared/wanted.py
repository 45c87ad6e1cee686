"""What a customer asks for, as price checks and bookings take it."""

from typing import Annotated

from pydantic import AfterValidator, Field

from shared.http import Body, Id, Line
from shared.pricing import Job, Wanted
from shared.vehicles import Condition, SizeClass

MAX_ADD_ONS, MAX_VEHICLES = 20, 10
Code = Annotated[Line, Field(max_length=50), AfterValidator(str.upper)]


class VehicleRequest(Body):
    """`vehicle` is it in the customer's words, for whoever comes to clean it: no price depends on that."""

    size_class: SizeClass = SizeClass.SEDAN
    condition: Condition = Condition.NORMAL
    add_on_ids: list[Id] = Field(default=[], max_length=MAX_ADD_ONS)
    vehicle: Line | None = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(size_class=self.size_class, condition=self.condition, add_on_ids=self.add_on_ids)


class JobRequest(VehicleRequest):
    """A tier for one vehicle, and for `more_vehicles` at the same visit, one after the other."""

    tier_id: Id
    zip: str = Field(pattern=r"^[0-9]{5}$")
    more_vehicles: list[VehicleRequest] = Field(default=[], max_length=MAX_VEHICLES - 1)
    promotion_code: Code | None = None

    @property
    def vehicles(self) -> list[VehicleRequest]:
        return [self, *self.more_vehicles]

    @property
    def described(self) -> str:
        """The vehicles in the customer's words, one a line; nothing if they say nothing."""
        return "\n".join(one.vehicle or "" for one in self.vehicles).rstrip()

    def job(self, distance_m: int | None) -> Job:
        return Job(vehicles=[one.wanted for one in self.vehicles], distance_m=distance_m)
