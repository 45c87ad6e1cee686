"""How long drives are estimated to take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain.travel import BY_DISTANCE, ESTIMATORS, Drives, chosen
from services.booking.settings import Settings
from shared.places import Place, place_of

BROOKLYN, MANHATTAN, BOSTON = (place_of(zip) for zip in ("11201", "10001", "02108"))


@pytest.mark.parametrize(
    ("there", "between"), [(BROOKLYN, (0, 0)), (MANHATTAN, (12, 25)), (BOSTON, (220, 320))], ids=lambda it: str(it)[:20]
)
def test_a_drive_takes_about_as_long_as_on_the_road(there: Place, between: tuple[int, int]) -> None:
    least, most = between
    assert least <= BY_DISTANCE.minutes(BROOKLYN, there) == BY_DISTANCE.minutes(there, BROOKLYN) <= most


@given(st.floats(0, 4), st.floats(0, 4))
def test_further_never_takes_less(one: float, other: float) -> None:
    north = [Place("", "", "", 40 + degrees, -74, "UTC") for degrees in sorted((one, other))]
    start = Place("", "", "", 40, -74, "UTC")
    near, far = (BY_DISTANCE.minutes(start, place) for place in north)
    assert near <= far


def test_where_an_end_is_not_known_no_drive_is_counted() -> None:
    assert not Drives(BY_DISTANCE, None).to(BOSTON)
    assert not Drives(BY_DISTANCE, BOSTON).from_(None)
    assert Drives(BY_DISTANCE, BOSTON).from_(BROOKLYN)


def test_the_settings_name_an_estimator() -> None:
    assert Settings.model_fields["travel"].default in ESTIMATORS
    assert chosen() in ESTIMATORS.values()
