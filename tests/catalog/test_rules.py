"""Rules of catalog, without a database."""

import math
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.catalog.domain.affiliate import slug_of
from services.catalog.domain.config import MdhConfig
from shared.clock import now
from shared.places import EARTH_RADIUS_M, Box, NowhereNear, Place, UnknownZip, known_zips, place_at, place_of, serves
from shared.platform_config import Feature
from shared.terms import CommissionRate


@pytest.mark.parametrize(
    ("zip", "city", "state", "timezone"),
    [
        ("11201", "Brooklyn", "NY", "America/New_York"),
        ("77002", "Houston", "TX", "America/Chicago"),
        ("85001", "Phoenix", "AZ", "America/Phoenix"),
        ("00901", "San Juan", "PR", "America/Puerto_Rico"),
        ("96813", "Honolulu", "HI", "Pacific/Honolulu"),
        ("99501", "Anchorage", "AK", "America/Anchorage"),
    ],
)
def test_a_zip_code_names_a_place_and_its_clocks(zip: str, city: str, state: str, timezone: str) -> None:
    place = place_of(zip)
    assert (place.city, place.state, place.timezone) == (city, state, timezone)
    assert ZoneInfo(place.timezone)


@pytest.mark.parametrize("zip", ["", "1", "00000", "99999", "112011", "11201-0001", "1120x", "١١٢٠١", "09001", "-1120"])
def test_what_is_no_zip_code_is_no_place(zip: str) -> None:
    with pytest.raises(UnknownZip):
        place_of(zip)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Shine & Sons", "shine-sons"),
        ("  Ünïque Détailing!! ", "unique-detailing"),
        ("洗车", "affiliate"),
        ("../../etc/passwd", "etc-passwd"),
        ("{{7*7}}", "7-7"),
        ("a" * 79 + " b" * 20, "a" * 79),
    ],
)
def test_a_slug_is_plain_and_short(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@pytest.mark.parametrize(
    ("latitude", "longitude", "zip", "timezone"),
    [
        (40.694, -73.9903, "11201", "America/New_York"),
        (29.76, -95.36, "77002", "America/Chicago"),
        (38.5, -116.5, "89045", "America/Los_Angeles"),  # 68 km from there, and nothing is nearer
        (21.314, -157.85, "96813", "Pacific/Honolulu"),
    ],
)
def test_a_position_lies_in_the_nearest_zip_code(latitude: float, longitude: float, zip: str, timezone: str) -> None:
    place = place_at(latitude, longitude)
    assert (place.zip, place.timezone) == (zip, timezone)


@pytest.mark.parametrize(("latitude", "longitude"), [(40.0, -60.0), (90, 0), (-90, 180), (0, 0), (52.52, 13.4)])
def test_a_position_that_is_far_from_everybody_has_no_place(latitude: float, longitude: float) -> None:
    with pytest.raises(NowhereNear):
        place_at(latitude, longitude)


def test_the_nearest_is_the_nearest_of_all() -> None:
    homes = [row for row in known_zips() if row["active"] and row["zip_code_type"] == "STANDARD" and float(row["lat"])]
    for latitude, longitude in ((33.9, -118.2), (44.45, -110.6), (61.2, -149.9), (25.0, -81.0)):
        nearest = place_at(latitude, longitude)
        metres = min(nearest.metres_to(latitude, longitude) for _ in (0,))
        here = Place("", "", "", latitude, longitude, "")
        assert metres == pytest.approx(min(here.metres_to(float(row["lat"]), float(row["long"])) for row in homes))


BROOKLYN, MANHATTAN = place_of("11201"), place_of("10001")  # 6.3 km apart


@pytest.mark.parametrize(
    ("radius_m", "zips", "place", "comes"),
    [
        (10_000, [], MANHATTAN, True),
        (5_000, [], MANHATTAN, False),
        (5_000, ["10001"], MANHATTAN, True),
        (0, ["10001"], MANHATTAN, True),
        (0, ["10001"], BROOKLYN, False),  # not even at home
        (0, [], BROOKLYN, False),
        (1_000, ["10001"], BROOKLYN, True),
    ],
)
def test_who_comes_is_said_by_the_radius_or_the_zip_codes(
    radius_m: int, zips: list[str], place: Place, comes: bool
) -> None:
    assert serves(place, BROOKLYN.latitude, BROOKLYN.longitude, radius_m, zips) is comes


latitudes = st.floats(-89, 89)
longitudes = st.floats(-180, 180)


@given(latitudes, longitudes, st.floats(0, 2 * math.pi), st.floats(0, 1), st.integers(1_000, 200_000))
@example(52.0, 179.9, math.pi / 2, 1.0, 200_000)  # across the date line
@example(-16.0, -179.9, -math.pi / 2, 1.0, 200_000)
@example(89.0, 0.0, 0.0, 1.0, 200_000)  # over the pole
def test_a_box_holds_every_point_within_its_radius(
    latitude: float, longitude: float, bearing: float, part: float, metres: int
) -> None:
    there = _walk(latitude, longitude, bearing, metres * part)
    box = Box.around(Place("", "", "", latitude, longitude, ""), metres)
    slack = 1e-9
    assert box.south - slack <= there[0] <= box.north + slack
    assert box.west - slack <= there[1] <= box.east + slack


@given(latitudes, longitudes, st.floats(0, 2 * math.pi), st.integers(0, 200_000))
@example(52.0, 179.9, math.pi / 2, 200_000)  # across the date line
def test_a_distance_is_what_one_walks(latitude: float, longitude: float, bearing: float, metres: int) -> None:
    start, end = Place("", "", "", latitude, longitude, ""), _walk(latitude, longitude, bearing, metres)
    assert start.metres_to(*end) == pytest.approx(metres, abs=0.5)


def _walk(latitude: float, longitude: float, bearing: float, metres: float) -> tuple[float, float]:
    """Where one is after walking so far along a great circle."""
    start, angle = math.radians(latitude), metres / EARTH_RADIUS_M
    end = math.asin(math.sin(start) * math.cos(angle) + math.cos(start) * math.sin(angle) * math.cos(bearing))
    turn = math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(start), math.cos(angle) - math.sin(start) * math.sin(end)
    )
    return math.degrees(end), (longitude + math.degrees(turn) + 540) % 360 - 180


def test_a_configuration_says_what_it_changed() -> None:
    config = MdhConfig(
        currency="USD",
        commission_bp=1500,
        hold_minutes=10,
        lead_minutes=120,
        horizon_days=60,
        free_cancellation_hours=24,
        late_cancellation_fee_bp=5000,
    )
    assert config.change({"hold_minutes": 15, "currency": "USD"}, {Feature.REVIEWS: True}) == {"hold_minutes": [10, 15]}
    assert (config.hold_minutes, config.version) == (15, 2)
    assert config.change({"hold_minutes": 15}, {}) == {}
    assert config.version == 2
    rates = [CommissionRate(category="ceramic", commission_bp=1200)]
    assert config.change({"commission_rates": rates}, {Feature.REVIEWS: False}) == {
        "commission_rates": [[], [{"category": "ceramic", "affiliate_tier": None, "commission_bp": 1200}]],
        "features.reviews": [True, False],
    }
    assert (config.features[Feature.REVIEWS], config.features[Feature.BOOKINGS], config.version) == (False, True, 3)
    assert config.created_at <= now()
