"""Of an offer: prices by vehicle size, photos, order, and what is not offered at present."""

from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth import Actor
from shared.contracts.catalog import OfferChanged, OfferPublished
from shared.photos import public_url
from shared.testing.plugin import Headers, Published
from shared.testing.tokens import customer

from .conftest import OWNER, Json, Made, offer, revision, tier

As = Callable[[Actor], Headers]
PHOTOS = [f"https://photos.example/{n}.jpg" for n in range(4)]


def of(affiliate: Json) -> str:
    return f"/catalog/v1/affiliates/{affiliate['id']}/services"


def at(service: Json) -> str:
    return f"/catalog/v1/services/{service['id']}"


def sizes(**prices: int) -> list[Json]:
    return [{"size_class": size, "price_cents": cents} for size, cents in prices.items()]


# -- prices by vehicle size --


async def test_a_tier_names_prices_by_size_and_they_are_told_in_the_order_of_sizes(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published
) -> None:
    affiliate = await approved()
    service = await offered(affiliate, tiers=[tier(size_prices=sizes(rv=90_000, suv=25_000))])
    assert service["tiers"][0]["size_prices"] == sizes(suv=25_000, rv=90_000)
    assert (await client.get(at(service))).json()["tiers"] == service["tiers"]
    [event] = await published(OfferPublished)
    assert [(own.size_class, own.price_cents) for own in event.tiers[0].size_prices] == [
        ("suv", 25_000),
        ("rv", 90_000),
    ]
    gold = service["tiers"][0] | {"size_prices": sizes(suv=26_000, van=30_000)}
    answer = await client.put(at(service), json=revision(service, tiers=[gold]), headers=as_(OWNER))
    assert answer.json()["tiers"][0]["size_prices"] == sizes(suv=26_000, van=30_000)
    none = revision(service, tiers=[gold | {"size_prices": []}])
    assert (await client.put(at(service), json=none, headers=as_(OWNER))).json()["tiers"][0]["size_prices"] == []
    told = [[own.price_cents for own in e.tiers[0].size_prices] for e in await published(OfferChanged)]
    assert told == [[26_000, 30_000], []]


async def test_what_is_put_as_it_was_is_no_change(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published
) -> None:
    service = await offered(await approved(), tiers=[tier(size_prices=sizes(rv=90_000, suv=25_000)), tier(name="B")])
    answer = await client.put(at(service), json=revision(service), headers=as_(OWNER))
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert await published(OfferChanged) == []
    swapped = revision(service, tiers=service["tiers"][::-1])
    assert (await client.put(at(service), json=swapped, headers=as_(OWNER))).headers["ETag"] == '"2"'


@pytest.mark.parametrize(
    "bad",
    [
        [{"size_class": "tank", "price_cents": 500}],
        [{"size_class": "suv", "price_cents": 49}],
        [{"size_class": "suv", "price_cents": 10_000_001}],
        [{"size_class": "suv", "price_cents": "500"}],
        [{"size_class": "suv"}],
        [{"size_class": "suv", "price_cents": 500, "id": 1}],
        sizes(suv=500) * 2,
        None,
        "suv",
    ],
)
async def test_bad_prices_by_size_are_refused(
    client: httpx.AsyncClient, as_: As, approved: Made, published: Published, bad: object
) -> None:
    body = offer(tiers=[tier(size_prices=bad)])
    assert (await client.post(of(await approved()), json=body, headers=as_(OWNER))).status_code == 422
    assert await published(OfferPublished) == []


# -- photos --


@pytest.mark.parametrize("then", [PHOTOS, PHOTOS[:1], PHOTOS[2::-1], [], [PHOTOS[3], PHOTOS[0]]])
async def test_photos_are_replaced_in_their_order(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published, then: list[str]
) -> None:
    service = await offered(await approved(), photo_urls=PHOTOS[:3])
    assert service["photo_urls"] == PHOTOS[:3]
    for _ in range(2):
        answer = await client.put(f"{at(service)}/photos", json={"photo_urls": then}, headers=as_(OWNER))
        assert (answer.status_code, answer.headers["ETag"], answer.json()["photo_urls"]) == (200, '"2"', then)
    assert (await client.get(at(service))).json()["photo_urls"] == then
    assert [e.photo_urls for e in await published(OfferChanged)] == [then]


async def test_revising_a_service_leaves_its_photos(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made
) -> None:
    service = await offered(await approved(), photo_urls=PHOTOS)
    answer = await client.put(at(service), json=revision(service, name="New"), headers=as_(OWNER))
    assert answer.json()["photo_urls"] == PHOTOS


@pytest.mark.parametrize("bad", [PHOTOS[:1] * 2, [f"{PHOTOS[0]}?{n}" for n in range(13)], None, [None], ["x"]])
async def test_bad_rows_of_photos_are_refused(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, bad: object
) -> None:
    service = await offered(await approved())
    answer = await client.put(f"{at(service)}/photos", json={"photo_urls": bad}, headers=as_(OWNER))
    assert answer.status_code == 422
    assert (await client.get(at(service))).json()["photo_urls"] == []


@pytest.mark.parametrize(
    "url",
    [
        "https://photos.example/a.jpg", "https://Photos.Example:443/a%20b.jpg?w=1&h=2#x", "https://a.b.co",
        "https://xn--bcher-kva.example/", "https://1.example/", "https://photos.example/it's.jpg",
    ],
)  # fmt: skip
def test_a_photo_is_at_a_public_hosts_name(url: str) -> None:
    assert public_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "", "photos.example/a.jpg", "http://photos.example/a.jpg", "HTTPS://photos.example/", "//photos.example/a",
        "ftp://photos.example/", "javascript:alert(1)", "data:image/png;base64,AA", "https://", "https:///a.jpg",
        "https://ada:pw@photos.example/", "https://ada@photos.example/", "https://photos.example@evil.example/",
        "https://photos.example:8080/", "https://photos.example:99999/", "https://photos.example:x/",
        "https://localhost/", "https://photos/", "https://a.localhost/", "https://nas.local/", "https://x.internal/",
        "https://127.0.0.1/", "https://10.0.0.1/a", "https://169.254.169.254/", "https://2130706433/", "https://0x7f.1/",
        "https://0x7f000001/", "https://127.1/", "https://127.0.0.0x1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/",
        "https://1.0.0.127.in-addr.arpa/", "https://photos.example./", "https://-a.example/", "https://a..example/",
        "https://photos.example/a b", "https://photos.example/\n", "https://photos.example/\t", "https://ph\u00f6tos.example/",
        "https://photos.example\\@evil.example/", 'https://photos.example/"><script>', "https://photos.example/\u202e",
        "https://photos.example/\x00", "https://%31%30.example/", "https://photos.example%2eevil.example/", " https://a.example",
    ],
)  # fmt: skip
def test_nothing_else_is_a_photo(url: str) -> None:
    with pytest.raises(ValueError, match=r"^is not "):
        public_url(url)


@given(st.one_of(st.text(), st.text().map("https://{}".format), st.ip_addresses().map("https://{}/".format)))
def test_whatever_is_taken_is_a_public_https_url(url: str) -> None:
    try:
        public_url(url)
    except ValueError:
        return
    assert url.startswith("https://")
    assert url.isascii()
    assert "@" not in url.split("/")[2]


# -- order --


async def test_services_are_shown_in_the_affiliates_order_and_a_new_one_is_the_last(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published
) -> None:
    affiliate = await approved()
    first, second, third = [await offered(affiliate, name=name) for name in "abc"]
    wanted = [third["id"], first["id"], second["id"]]
    for _ in range(2):
        answer = await client.put(f"{of(affiliate)}/order", json={"service_ids": wanted}, headers=as_(OWNER))
        assert (answer.status_code, [s["id"] for s in answer.json()["items"]]) == (200, wanted)
    assert [s["id"] for s in (await client.get(of(affiliate))).json()["items"]] == wanted
    assert [(e.service_id, e.position, e.version) for e in await published(OfferChanged)] == [
        (service_id, position, 2) for position, service_id in enumerate(wanted)
    ]
    assert (await offered(affiliate, name="d"))["position"] == 3


async def test_an_order_names_all_services_of_the_affiliate_and_no_others(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published
) -> None:
    affiliate, other = await approved(), await approved(customer(1))
    mine, gone = await offered(affiliate), await offered(affiliate, name="Gone")
    await client.delete(at(gone), headers=as_(OWNER))
    foreign = await offered(other, customer(1))
    for named, missing, unknown in (
        ([], [mine["id"]], []),
        ([mine["id"]] * 2, [], [mine["id"]]),
        ([mine["id"], foreign["id"]], [], [foreign["id"]]),
        ([gone["id"]], [mine["id"]], [gone["id"]]),
    ):
        answer = await client.put(f"{of(affiliate)}/order", json={"service_ids": named}, headers=as_(OWNER))
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/not-the-whole-order")
        assert (answer.json()["missing"], answer.json()["unknown"]) == (missing, unknown)
    assert await published(OfferChanged) == []


# -- not offered at present --


async def test_a_service_and_a_tier_are_switched_off_and_on_and_told_each_time(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published
) -> None:
    service = await offered(await approved(), tiers=[tier(), tier(name="Silver")])
    silver = service["tiers"][1]["id"]
    steps = [
        (f"{at(service)}/tiers/{silver}/active", False),
        (f"{at(service)}/active", False),
        (f"{at(service)}/active", True),
    ]
    for version, (path, active) in enumerate(steps, start=2):
        for _ in range(2):
            answer = await client.put(path, json={"active": active}, headers=as_(OWNER))
            assert (answer.status_code, answer.headers["ETag"]) == (200, f'"{version}"')
        assert (await client.get(at(service))).status_code == (404 if version == 3 else 200)
    told = [(e.active, [t.active for t in e.tiers]) for e in await published(OfferChanged)]
    assert told == [(True, [True, False]), (False, [True, False]), (True, [True, False])]
    stale = await client.put(f"{at(service)}/active", json={"active": False}, headers=as_(OWNER) | {"If-Match": '"2"'})
    assert stale.status_code == 412


async def test_a_tier_that_is_not_the_services_is_not_switched(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published
) -> None:
    affiliate = await approved()
    mine, other = await offered(affiliate), await offered(affiliate, name="Other")
    path = f"{at(mine)}/tiers/{other['tiers'][0]['id']}/active"
    answer = await client.put(path, json={"active": False}, headers=as_(OWNER))
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-such-tier")
    assert await published(OfferChanged) == []


async def test_strangers_change_no_details(
    client: httpx.AsyncClient, as_: As, approved: Made, offered: Made, published: Published
) -> None:
    affiliate = await approved()
    service = await offered(affiliate)
    for path, body in (
        (f"{of(affiliate)}/order", {"service_ids": [service["id"]]}),
        (f"{at(service)}/active", {"active": False}),
        (f"{at(service)}/tiers/{service['tiers'][0]['id']}/active", {"active": False}),
        (f"{at(service)}/photos", {"photo_urls": PHOTOS}),
    ):
        assert (await client.put(path, json=body, headers=as_(customer(9)))).status_code == 403
    assert await published(OfferChanged) == []
