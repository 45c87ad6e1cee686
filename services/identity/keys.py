"""The keys that sign access tokens: Ed25519, one PKCS8 PEM file each, `<kid>.pem` in one directory.

All are published, one signs. A new key is put beside the old one and signs from the next start on; the old file stays
until the last token that it signed has expired.
"""

import json
import os
import re
import secrets
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from shared.auth import TOKEN_TYPE, Actor, claims_of
from shared.clock import now
from shared.ids import new_id
from shared.keys import ALGORITHM, KeySet
from shared.settings import Profile

from .settings import Settings

KID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
FIRST_KID = "local-1"


class NoSigningKey(Exception):
    """Identity cannot start: there is no key to sign with. The message says what is missing."""


class SigningKeys:
    """The private keys by their `kid`, and which of them signs."""

    def __init__(self, keys: dict[str, Ed25519PrivateKey], current: str) -> None:
        self._keys, self.current = keys, current

    @classmethod
    def load(cls, settings: Settings) -> "SigningKeys":
        """What is in the directory. Only the profiles local and test make a key if there is none."""
        directory = settings.signing_keys_dir
        if directory is None:
            raise NoSigningKey("MDH_SIGNING_KEYS_DIR is not set")
        if settings.profile is not Profile.PRODUCTION and not any(directory.glob("*.pem")):
            make_key(directory, FIRST_KID)
        keys = {path.stem: _read(path) for path in sorted(directory.glob("*.pem"))}
        current = settings.signing_kid or max(keys, default=None)
        if current is None or current not in keys:
            raise NoSigningKey(f"there is no {current or '<kid>'}.pem in {directory}")
        return cls(keys, current)

    def public(self) -> dict[str, Any]:
        """The JWK Set (RFC 7517, RFC 8037)."""
        return {"keys": [_public(kid, key) for kid, key in self._keys.items()]}

    def sign(self, claims: dict[str, Any]) -> str:
        header = {"kid": self.current, "typ": TOKEN_TYPE}
        return jwt.encode(claims, self._keys[self.current], ALGORITHM, headers=header)


class OwnKeys(KeySet):
    """Identity verifies tokens as everybody does, and has the key set at hand."""

    def __init__(self, keys: SigningKeys) -> None:
        super().__init__(Path())
        self._own = keys

    async def _read(self) -> dict[str, Any]:
        return self._own.public()


class AccessTokens:
    """Issues what `shared.auth.verify` accepts: `lifetime` seconds, 15 minutes at most."""

    def __init__(self, keys: SigningKeys, settings: Settings) -> None:
        self._keys, self._settings, self.lifetime = keys, settings, settings.access_token_seconds

    def issue(self, actor: Actor, lifetime: int | None = None) -> str:
        """`lifetime` in seconds, if it is to be shorter than usual."""
        lifetime = min(lifetime or self.lifetime, self.lifetime)
        issued = now().timestamp()  # not rounded: it is compared with the moment at which other tokens were ended
        origin = {"iss": self._settings.token_issuer, "aud": self._settings.token_audience, "jti": str(new_id())}
        return self._keys.sign(claims_of(actor) | origin | {"iat": issued, "exp": issued + lifetime})


def make_key(directory: Path, kid: str) -> None:
    """Write a new key, readable by its owner only; a key that another process made meanwhile is kept."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = directory / f".{kid}.{secrets.token_hex(4)}"
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    try:
        os.link(draft, directory / f"{kid}.pem")
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm, OSError) as error:
        raise NoSigningKey(f"{path} cannot be read as an unencrypted PKCS8 key") from error
    if not isinstance(key, Ed25519PrivateKey) or not KID.fullmatch(path.stem):
        raise NoSigningKey(f"{path} is not an Ed25519 key, or not named <kid>.pem")
    return key


def _public(kid: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key()))
    return jwk | {"kid": kid, "use": "sig", "alg": ALGORITHM}
