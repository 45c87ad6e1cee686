"""Signing keys and the key set."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from services.identity.keys import AccessTokens, OwnKeys, SigningKeys
from services.identity.settings import Settings
from shared.auth import Actor, verify
from shared.errors import Unauthenticated
from shared.settings import Profile, Role
from shared.signing_keys import NoSigningKey, make_key
from shared.testing.tokens import customer

URL = "postgresql+asyncpg://nobody@localhost/none"


def settings(directory: Path | None, **more: Any) -> Settings:
    told: dict[str, Any] = {"profile": Profile.PRODUCTION, "role": Role.API, "database_url": URL}
    return Settings(**told | {"signing_keys_dir": directory} | more)


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def test_the_key_set_is_public_cacheable_and_has_no_private_part(client: httpx.AsyncClient) -> None:
    answer = await client.get("/identity/v1/.well-known/jwks.json")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=60")
    [key] = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["kid"], key["use"], key["alg"]) == ("OKP", "Ed25519", "test", "sig", "EdDSA")


async def test_of_keys_without_a_time_the_last_by_name_signs_and_all_are_published(tmp_path: Path) -> None:
    make_key(tmp_path, "2026-01")
    old = AccessTokens(SigningKeys.load(settings(tmp_path)), settings(tmp_path)).issue(customer(7))
    make_key(tmp_path, "2026-02")
    keys = SigningKeys.load(settings(tmp_path))
    new = AccessTokens(keys, settings(tmp_path)).issue(customer(7))
    assert (kid_of(old), kid_of(new)) == ("2026-01", "2026-02")
    assert [key["kid"] for key in keys.public()["keys"]] == ["2026-01", "2026-02"]
    for token in (old, new):
        assert await verify(token, OwnKeys(keys), settings(tmp_path)) == customer(7)


async def test_a_key_that_was_taken_away_verifies_nothing(tmp_path: Path) -> None:
    make_key(tmp_path, "2026-01")
    make_key(tmp_path, "2026-02")
    token = AccessTokens(SigningKeys.load(settings(tmp_path)), settings(tmp_path)).issue(customer(7))
    (tmp_path / "2026-02.pem").unlink()
    with pytest.raises(Unauthenticated):
        await verify(token, OwnKeys(SigningKeys.load(settings(tmp_path))), settings(tmp_path))


def test_a_configured_key_signs_instead(tmp_path: Path) -> None:
    make_key(tmp_path, "2026-01")
    make_key(tmp_path, "2026-02")
    assert SigningKeys.load(settings(tmp_path, signing_kid="2026-01")).current == "2026-01"


@pytest.mark.parametrize("kid", [None, "2026-09"])
def test_without_its_key_production_does_not_start(tmp_path: Path, kid: str | None) -> None:
    if kid:
        make_key(tmp_path, "2026-01")
    with pytest.raises(NoSigningKey):
        SigningKeys.load(settings(tmp_path, signing_kid=kid))


def test_without_a_directory_nothing_starts() -> None:
    for profile in Profile:
        with pytest.raises(NoSigningKey, match="MDH_SIGNING_KEYS_DIR"):
            SigningKeys.load(settings(None, profile=profile))


def test_a_local_system_makes_its_first_key_once_and_keeps_it(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    local = settings(directory, profile=Profile.LOCAL)
    with ThreadPoolExecutor(8) as replicas:
        loaded = list(replicas.map(lambda _: SigningKeys.load(local).public(), range(8)))
    assert all(keys == loaded[0] for keys in loaded)
    [file] = directory.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_no_ed25519_key_stops_the_start(tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"", b"-----BEGIN PRIVATE KEY-----\n", other):
        (tmp_path / "2026-01.pem").write_bytes(content)
        with pytest.raises(NoSigningKey):
            SigningKeys.load(settings(tmp_path))


@pytest.mark.parametrize("seconds", [59, 901])
def test_tokens_cannot_be_set_to_live_longer_than_a_quarter_of_an_hour(tmp_path: Path, seconds: int) -> None:
    with pytest.raises(ValidationError):
        settings(tmp_path, access_token_seconds=seconds)


def test_a_worker_needs_no_key_and_still_a_broker() -> None:
    with pytest.raises(ValidationError, match="MDH_AMQP_URL"):
        settings(None, role=Role.WORKER)


async def test_a_token_says_all_that_an_actor_is(tmp_path: Path) -> None:
    make_key(tmp_path, "2026-01")
    keys = SigningKeys.load(settings(tmp_path))
    actor = Actor(user_id=5, customer_id=6, affiliates={31: "manager", 32: "technician"}, roles=frozenset({"support"}))  # type: ignore[arg-type, dict-item]
    assert await verify(AccessTokens(keys, settings(tmp_path)).issue(actor), OwnKeys(keys), settings(tmp_path)) == actor
