"""Calendars are read from the internet, and from nowhere else, with bounds on everything; over real connections."""

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.booking import clients
from services.booking.clients import MOST_BYTES, MOST_REDIRECTS, Address, Calendars
from services.booking.domain.calendars import AddressNotAllowed, ExternalCalendar, Reading, Trouble, Unreadable
from services.booking.domain.calendars import may_be_asked as may_be
from services.booking.settings import Settings
from shared.settings import Profile
from shared.tasks import LEASE, NotNow

from .ics import meeting, vcalendar
from .publisher import Handler, Publisher, certificate, publishing

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CALENDAR = vcalendar(meeting(NOON, NOON + HOUR))
BUSY = [(NOON, NOON + HOUR)]
ABSURD = vcalendar("UID:1\nDTSTART:19700101T000000Z\nDTEND:19700101T000001Z\nRRULE:FREQ=SECONDLY")

# -- which addresses --


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("93.184.216.34", True), ("8.8.8.8", True), ("1.1.1.1", True), ("172.32.0.1", True), ("100.128.0.1", True),
        ("127.0.0.1", False), ("127.8.8.8", False), ("0.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False),
        ("172.31.255.255", False), ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False),
        ("100.100.100.200", False), ("192.0.0.192", False), ("192.0.2.1", False), ("198.18.0.1", False),
        ("198.51.100.1", False), ("203.0.113.1", False), ("224.0.0.1", False), ("239.255.255.250", False),
        ("240.0.0.1", False), ("255.255.255.255", False), ("168.63.129.16", False), ("192.88.99.1", False),
        ("2606:4700::1111", True), ("2a00:1450:4001::1", True),
        ("::", False), ("::1", False), ("fe80::1", False), ("fe80::1%eth0", False), ("fc00::1", False),
        ("fd00:ec2::254", False), ("ff02::1", False), ("fec0::1", False), ("2001:db8::1", False), ("3fff::1", False),
        ("2001::1", False), ("2001:10::1", False), ("100::1", False), ("5f00::1", False), ("4000::1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False), ("::ffff:169.254.169.254", False),
        ("::ffff:8.8.8.8", True), ("::127.0.0.1", False), ("::8.8.8.8", False),
        ("64:ff9b::7f00:1", False), ("64:ff9b::a9fe:a9fe", False), ("64:ff9b::808:808", True),
        ("64:ff9b:1::808:808", False), ("2002:7f00:1::", False), ("2002:a9fe:a9fe::1", False),
        ("2002:808:808::1", True),
    ],
)  # fmt: skip
def test_only_the_public_internet_is_asked(address: str, asked: bool) -> None:
    assert may_be(ip_address(address)) is asked


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://calendar.example/a.ics?key=1", True), ("https://calendar.example:443/a", True),
        ("https://calendar.example:8443/a", True), ("HTTPS://calendar.example/a", True), ("https://[2606::1]/a", True),
        ("http://calendar.example/a", False), ("https://calendar.example:22/a", False),
        ("ftp://calendar.example", False),
        ("file:///etc/passwd", False), ("https://user:word@calendar.example/a", False), ("https:///a", False),
        ("https://user@calendar.example/a", False), ("//calendar.example/a", False), ("calendar.example", False),
        ("https://calendar.example:99999/", False), ("https://", False), ("javascript:alert(1)", False), ("", False),
        ("https://\x00/", False), ("https://[::1", False), ("data:text/calendar,BEGIN:VCALENDAR", False),
    ],
)  # fmt: skip
def test_what_is_an_address_of_a_calendar(url: str, allowed: bool) -> None:
    try:
        strict().must_be_an_address(url)
    except AddressNotAllowed:
        assert not allowed
    else:
        assert allowed


def test_production_reads_nothing_local() -> None:
    with pytest.raises(ValueError, match="MDH_CALENDARS_MAY_BE_LOCAL"):
        settings(local=True, profile=Profile.PRODUCTION)


# -- over real connections --


def settings(*, local: bool, profile: Profile = Profile.TEST) -> Settings:
    told: dict[str, Any] = {"database_url": "postgresql://x", "role": "api", "jwks_file": "x", "profile": profile}
    return Settings(**told, calendars_may_be_local=local)


def strict(*addresses: str, **more: Any) -> Calendars:
    """As in production; every name leads to these addresses."""
    return Calendars(settings(local=False), resolve=leads_to(*addresses), **more)


def leads_to(*addresses: str) -> clients.Resolve:
    async def resolve(_host: str, _port: int) -> list[Address]:
        return [ip_address(address) for address in addresses]

    return resolve


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as publisher:
        yield publisher


async def read(client: Calendars, url: str, **known: Any) -> Reading:
    calendar = ExternalCalendar(affiliate_id=31, crew_id=1, name="x", url=url, next_fetch_at=NOON, **known)
    return await client.read(calendar, "UTC", NOON - DAY, NOON + DAY)


async def trouble(client: Calendars, url: str) -> Trouble:
    with pytest.raises(Unreadable) as raised:
        await read(client, url)
    return raised.value.trouble


@pytest.fixture
def local() -> Calendars:
    return Calendars(settings(local=True))


async def test_a_calendar_is_read(publisher: Publisher, local: Calendars) -> None:
    url = publisher.says("/a.ics", CALENDAR, etag='"1"', last_modified="Mon, 01 Jun 2026 00:00:00 GMT")
    reading = await read(local, url)
    assert (reading.busy, reading.until) == (BUSY, NOON + DAY)
    assert (reading.etag, reading.last_modified) == ('"1"', "Mon, 01 Jun 2026 00:00:00 GMT")
    [(_, headers)] = publisher.asked
    assert headers["host"] == f"127.0.0.1:{publisher.port}"
    assert not {"if-none-match", "authorization", "cookie"} & set(headers)


async def test_one_that_has_not_changed_says_so(publisher: Publisher, local: Calendars) -> None:
    url = publisher.says("/a.ics", b"", status=304)
    known: dict[str, Any] = {"etag": '"1"', "last_modified": None, "read_until": NOON + HOUR}
    assert (await read(local, url, **known)).busy is None
    assert publisher.asked[0][1]["if-none-match"] == '"1"'
    with pytest.raises(Unreadable, match="refused"):  # asked without conditions, as more is wanted than was read
        await read(local, url, **known | {"read_until": NOON - HOUR})
    assert "if-none-match" not in publisher.asked[1][1]


@pytest.mark.parametrize(
    ("content", "status", "headers", "expected"),
    [
        (b"<!doctype html>", 200, {}, Trouble.NOT_A_CALENDAR),
        (CALENDAR[:60], 200, {}, Trouble.NOT_A_CALENDAR),
        (CALENDAR, 404, {}, Trouble.REFUSED), (CALENDAR, 500, {}, Trouble.REFUSED), (b"", 204, {}, Trouble.REFUSED),
        (b"", 304, {}, Trouble.REFUSED),
        (b" " * (MOST_BYTES + 1), 200, {}, Trouble.TOO_LARGE),
        (gzip.compress(b" " * 100 * MOST_BYTES), 200, {"content_encoding": "gzip"}, Trouble.TOO_LARGE),
        (gzip.compress(CALENDAR)[:-4], 200, {"content_encoding": "gzip"}, Trouble.NOT_A_CALENDAR),
        (CALENDAR, 200, {"content_encoding": "gzip"}, Trouble.NOT_A_CALENDAR),
        (zlib.compress(CALENDAR), 200, {"content_encoding": "deflate"}, Trouble.NOT_A_CALENDAR),
        (CALENDAR, 200, {"content_encoding": "br"}, Trouble.NOT_A_CALENDAR),
        (b"", 302, {"location": "file:///etc/passwd"}, Trouble.FORBIDDEN_ADDRESS),
        (b"", 302, {"location": "http://user:word@127.0.0.1/"}, Trouble.FORBIDDEN_ADDRESS),
        (b"", 302, {"location": "http://[::1"}, Trouble.NO_ANSWER),
        (b"", 302, {}, Trouble.TOO_MANY_REDIRECTS),  # to itself
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told(
    publisher: Publisher, local: Calendars, content: bytes, status: int, headers: dict[str, str], expected: Trouble
) -> None:
    assert await trouble(local, publisher.says("/a.ics", content, status, **headers)) is expected


async def test_what_is_packed_is_unpacked(publisher: Publisher, local: Calendars) -> None:
    url = publisher.says("/a.ics", gzip.compress(CALENDAR), content_encoding="gzip")
    assert (await read(local, url)).busy == BUSY


async def test_what_unpacks_to_very_much_is_never_held_at_once() -> None:
    bomb = gzip.compress(b" " * 100 * MOST_BYTES)
    pieces: list[bytes] = []
    with pytest.raises(Unreadable, match="too_large"):
        async for piece in clients._unpacked(httpx.Response(200, stream=httpx.ByteStream(bomb))):
            pieces.append(piece)
    assert [len(piece) for piece in pieces] == [MOST_BYTES + 1]


async def test_redirects_are_followed_so_often(publisher: Publisher, local: Calendars) -> None:
    publisher.says("/0", CALENDAR)
    for n in range(MOST_REDIRECTS + 1):
        publisher.says(f"/{n + 1}", b"", 302, location=f"/{n}")
    assert (await read(local, f"{publisher.url}/{MOST_REDIRECTS}")).busy == BUSY
    assert await trouble(local, f"{publisher.url}/{MOST_REDIRECTS + 1}") is Trouble.TOO_MANY_REDIRECTS


async def test_one_that_does_not_come_to_an_end_is_given_up(
    publisher: Publisher, local: Calendars, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(handler: Handler) -> None:
        """Always something, and never all."""
        handler.send_response(200)
        handler.end_headers()
        while not publisher.stopped.wait(0.02):
            handler.wfile.write(b" ")

    publisher.answers["/drip"] = drip
    monkeypatch.setattr(clients, "SECONDS", 0.3)
    assert await trouble(local, f"{publisher.url}/drip") is Trouble.TOO_SLOW


async def test_nobody_there_is_told(local: Calendars) -> None:
    with publishing() as gone:
        url = gone.url
    assert await trouble(local, url) is Trouble.NO_ANSWER
    assert await trouble(strict(), "https://nowhere.example/") is Trouble.NO_ANSWER


async def test_a_file_that_asks_for_too_much_stalls_nobody(
    publisher: Publisher, local: Calendars, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed, and the loop runs on meanwhile."""
    monkeypatch.setattr(clients, "READING_SECONDS", 1)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    turning = asyncio.create_task(turn())
    assert await trouble(local, publisher.says("/a.ics", ABSURD)) is Trouble.TOO_MUCH
    turning.cancel()
    assert turns > 5


def test_all_of_a_reading_takes_less_than_a_task_may() -> None:
    assert LEASE.total_seconds() / 2 > clients.SECONDS + clients.WAITING_SECONDS + clients.READING_SECONDS


async def test_a_program_that_does_not_answer_is_killed(
    publisher: Publisher, local: Calendars, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sleeps.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(clients, "PROGRAM", tmp_path / "sleeps.py")
    monkeypatch.setattr(clients, "READING_SECONDS", 0.3)
    assert await trouble(local, publisher.says("/a.ics", CALENDAR)) is Trouble.TOO_MUCH


async def test_who_waits_for_others_that_take_long_is_read_later(
    publisher: Publisher, local: Calendars, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sleeps.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(clients, "PROGRAM", tmp_path / "sleeps.py")
    monkeypatch.setattr(clients, "WAITING_SECONDS", 0.2)
    url = publisher.says("/a.ics", CALENDAR)
    reading = [asyncio.create_task(read(local, url)) for _ in range(clients.AT_ONCE + 1)]
    [late], others = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
    assert isinstance(late.exception(), NotNow)
    for task in others:
        task.cancel()
    stopped = await asyncio.gather(*others, return_exceptions=True)  # with their programs
    assert [type(error) for error in stopped] == [asyncio.CancelledError] * clients.AT_ONCE


@pytest.mark.parametrize(
    ("limits", "content", "code", "said"),
    [("CPU_SECONDS = 1", ABSURD, -9, b""), ("MEMORY = 1", CALENDAR * 10_000, 0, b'{"refused": "too_much"}\n')],
)
async def test_the_program_limits_itself(limits: str, content: bytes, code: int, said: bytes) -> None:
    program = f"from services.booking import ics\nics.{limits}\nics.main()"
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdin=pipe, stdout=pipe, stderr=pipe)
    asked = {"zone": "UTC", "first": NOON.isoformat(), "last": (NOON + DAY).isoformat(), "ours": "none"}
    out, error = await running.communicate(json.dumps(asked).encode() + b"\n" + content)
    assert (running.returncode, out) == (code, said), error


# -- what is inside stays unasked --


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://2130706433/", "https://127.1/",
        "https://0x7f.1/", "https://localhost/", "https://169.254.169.254/latest/meta-data", "https://0/",
        "http://calendar.example/", "https://127.0.0.1:5432/",
    ],
)  # fmt: skip
async def test_no_way_of_writing_it_leads_inside(url: str) -> None:
    assert await trouble(Calendars(settings(local=False)), url) in (Trouble.FORBIDDEN_ADDRESS, Trouble.NO_ANSWER)


async def test_one_address_inside_among_those_of_a_name_is_enough() -> None:
    client = strict("93.184.216.34", "10.0.0.1")
    assert await trouble(client, "https://calendar.example/") is Trouble.FORBIDDEN_ADDRESS


async def test_a_name_means_what_it_meant_when_it_was_judged(publisher: Publisher, monkeypatch: Any) -> None:
    """The second time it is asked for, it would lead elsewhere: nobody asks a second time."""
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> list[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1" if len(asked) == 1 else "127.0.0.2")]

    monkeypatch.setattr(clients, "may_be_asked", lambda address: str(address) == "127.0.0.1")
    publisher.says("/a.ics", CALENDAR)
    client = Calendars(settings(local=True), resolve=rebinding)
    assert (await read(client, f"http://calendar.example:{publisher.port}/a.ics")).busy == BUSY
    assert asked == ["calendar.example"]
    assert publisher.asked[0][1]["host"] == f"calendar.example:{publisher.port}"


async def test_each_redirect_is_judged_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By TLS, with the name that was typed, at the address that was judged; then inside, which is refused."""
    serving, trusting = certificate(tmp_path, "calendar.example")

    async def resolve(host: str, _port: int) -> list[Address]:
        return [ip_address("127.0.0.1" if host == "calendar.example" else "10.0.0.1")]

    with publishing(serving) as publisher:
        monkeypatch.setattr(clients, "PORTS", (publisher.port,))
        monkeypatch.setattr(clients, "may_be_asked", lambda address: str(address) == "127.0.0.1")
        client = Calendars(settings(local=False), resolve=resolve, tls=trusting)
        here = f"https://calendar.example:{publisher.port}"
        publisher.says("/a.ics", CALENDAR)
        publisher.says("/inside", b"", 302, location=f"https://inside.example:{publisher.port}/")
        publisher.says("/plain", b"", 302, location="http://calendar.example/")
        assert (await read(client, f"{here}/a.ics")).busy == BUSY
        assert publisher.names == ["calendar.example"]
        assert publisher.asked[0][1]["host"] == f"calendar.example:{publisher.port}"
        assert await trouble(client, f"{here}/inside") is Trouble.FORBIDDEN_ADDRESS
        assert await trouble(client, f"{here}/plain") is Trouble.FORBIDDEN_ADDRESS
        monkeypatch.setattr(clients, "may_be_asked", lambda _: True)
        other = Calendars(settings(local=False), resolve=leads_to("127.0.0.1"), tls=trusting)
        assert await trouble(other, f"https://other.example:{publisher.port}/a.ics") is Trouble.NO_ANSWER
    assert [path for path, _ in publisher.asked] == ["/a.ics", "/inside", "/plain"]


async def test_no_proxy_of_the_environment_is_asked(
    publisher: Publisher, local: Calendars, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await read(local, publisher.says("/a.ics", CALENDAR))).busy == BUSY


async def test_the_second_address_is_asked_if_the_first_is_not_there(publisher: Publisher) -> None:
    publisher.says("/a.ics", CALENDAR)
    client = Calendars(settings(local=True), resolve=leads_to("127.0.0.9", "127.0.0.1"))
    assert (await read(client, f"http://calendar.example:{publisher.port}/a.ics")).busy == BUSY
