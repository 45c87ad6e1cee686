"""Identity's key set, when identity is away, slow, garbled or has new keys; and claims of the wrong kind."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared import keys as platform_keys
from shared.auth import Role, actor_of
from shared.errors import Overloaded, Unauthenticated
from shared.keys import KeySet
from shared.testing.tokens import Signer

Write = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Identity:
    """Answers whoever connects as it is told to."""

    url = ""
    asked = 0

    def __init__(self, signer: Signer) -> None:
        self.keys: Any = signer.public_keys()
        self.answer: Write = self.with_keys

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await self.answer(writer)
        writer.close()

    async def with_keys(self, writer: asyncio.StreamWriter) -> None:
        body = self.keys if isinstance(self.keys, bytes) else json.dumps(self.keys).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async def by_drops(self, writer: asyncio.StreamWriter) -> None:
        """A byte now and then: no single read takes too long."""
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def with_a_flood(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" " * 65_536)
            await writer.drain()


@pytest.fixture
def own_signer() -> Signer:
    return Signer(Ed25519PrivateKey.generate(), kid="first")


@pytest_asyncio.fixture
async def identity(own_signer: Signer) -> AsyncIterator[Identity]:
    it = Identity(own_signer)
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    yield it
    server.close()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform_keys, "KEYS_TIMEOUT", 0.3)


GARBAGE: dict[str, Any] = {
    "no JSON": b"<html>",
    "a list": [],
    "a text": "keys",
    "no keys": {},
    "keys that are a number": {"keys": 7},
    "keys that are numbers": {"keys": [1, 2]},
    "keys of no kind": {"keys": [{"kty": "x", "kid": "first"}]},
    "nesting without end": b"[" * 60_000,
    "an RSA key under the kid": {"keys": [{"kty": "RSA", "kid": "first", "n": "AQAB", "e": "AQAB"}]},
    "a secret under the kid": {"keys": [{"kty": "oct", "kid": "first", "k": "AAAA"}]},
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_is_no_key_and_no_fault(identity: Identity, garbage: Any) -> None:
    identity.keys = garbage
    with pytest.raises(Overloaded):
        await KeySet(identity.url).get("first")


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_takes_no_known_key_away(identity: Identity, garbage: Any) -> None:
    keys = KeySet(identity.url, pause=0)
    await keys.get("first")
    identity.keys = garbage
    with pytest.raises(Unauthenticated):
        await keys.get("another")
    assert await keys.get("first")


@pytest.mark.parametrize("way", ["by_drops", "with_a_flood"])
async def test_an_answer_that_never_ends_is_given_up(identity: Identity, way: str) -> None:
    identity.answer = getattr(identity, way)
    with pytest.raises(Overloaded):
        await asyncio.wait_for(KeySet(identity.url).get("first"), 5)


async def test_whoever_brings_a_known_key_waits_for_nobody(identity: Identity) -> None:
    """However old the keys are and however slow identity is."""
    keys = KeySet(identity.url, pause=0, max_age=0)
    await keys.get("first")
    identity.answer = identity.by_drops
    slow = asyncio.create_task(keys.get("another"))
    await asyncio.sleep(0.05)
    assert not slow.done()
    for _ in range(3):
        assert await asyncio.wait_for(keys.get("first"), 0.05)
    with pytest.raises(Unauthenticated):
        await slow


async def test_old_keys_are_renewed_behind_the_scenes(identity: Identity) -> None:
    keys = KeySet(identity.url, pause=0, max_age=0)
    await keys.get("first")
    identity.keys = Signer(Ed25519PrivateKey.generate(), kid="second").public_keys()
    assert await keys.get("first"), "the last time: it is taken back"
    assert keys._renewal is not None
    await keys._renewal
    with pytest.raises(Unauthenticated):
        await keys.get("first")
    assert await keys.get("second")


async def test_a_new_key_is_found_when_it_is_first_used_and_unknown_ones_cost_little(
    identity: Identity, own_signer: Signer
) -> None:
    keys = KeySet(identity.url, pause=0.1)
    await keys.get("first")
    second = Signer(Ed25519PrivateKey.generate(), kid="second")
    identity.keys = {"keys": own_signer.public_keys()["keys"] + second.public_keys()["keys"]}
    await asyncio.sleep(0.1)
    assert await keys.get("second")
    asked = identity.asked
    results = await asyncio.gather(*(keys.get(f"invented-{n}") for n in range(50)), return_exceptions=True)
    assert all(isinstance(result, Unauthenticated) for result in results)
    assert identity.asked <= asked + 1


GOOD: dict[str, Any] = {"sub": "7", "roles": ["customer"], "customer": 3, "affiliates": {"31": "owner"}}


def test_claims_of_the_right_kind_are_an_actor() -> None:
    actor = actor_of(GOOD)
    assert (actor.user_id, actor.customer_id, actor.affiliates) == (7, 3, {31: Role.OWNER})


WRONG: dict[str, list[Any]] = {
    "sub": ["", "0", "-7", "+7", " 7", "7.0", "1_0", "\u0667", "9" * 30, 7, True, None, ["7"]],
    "customer": ["3", 3.0, True, 0, -3, 10**30, [3], {}],
    "affiliates": [{"x": "owner"}, {"31": "king"}, {"31": 1}, {"1_0": "owner"}, "31"],
    "roles": ["admin", ["root"], [1], 7, {"admin": True, "root": True}, [["admin"]]],
}


@pytest.mark.parametrize("wrong", [{name: value} for name, values in WRONG.items() for value in values], ids=str)
def test_claims_of_another_kind_are_none(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        actor_of(GOOD | wrong)
