"""Signing access tokens, and the public keys to verify them with (`shared/signing_keys.py`: files and times)."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.auth import TOKEN_TYPE, Actor, claims_of
from shared.clock import now
from shared.errors import Unauthenticated
from shared.ids import new_id
from shared.keys import ALGORITHM, KeySet
from shared.settings import Profile
from shared.signing_keys import NoSigningKey, Timetable, key_files, make_key, read_keys

from .settings import Settings

log = structlog.get_logger()

FIRST_KID = "local-1"
LOOK_EVERY = 5.0  # seconds between two looks at the directory


class SigningKeys:
    """The keys of a directory, as they are there now: whoever asks looks again, at most every `look_every` seconds.

    Whatever cannot be read there changes nothing: what was read last goes on, and the log says why.
    """

    def __init__(self, directory: Path, pinned: str | None = None, *, look_every: float = LOOK_EVERY) -> None:
        self._directory, self._pinned, self._look_every = directory, pinned, look_every
        self._seen, self._looked = self._look(), time.monotonic()
        self._read()

    @classmethod
    def load(cls, settings: Settings) -> "SigningKeys":
        """`NoSigningKey` if there is none. Only the profiles local and test make one then."""
        directory = settings.signing_keys_dir
        if directory is None:
            raise NoSigningKey("MDH_SIGNING_KEYS_DIR is not set")
        if settings.profile is not Profile.PRODUCTION and not any(directory.glob("*.pem")):
            make_key(directory, FIRST_KID)
        return cls(directory, settings.signing_kid)

    @property
    def current(self) -> str:
        """The key that signs now."""
        kid = self._times.current(now())
        assert kid, "a key that signed goes on until another does"
        return kid

    def public(self) -> dict[str, Any]:
        """The JWK Set (RFC 7517, RFC 8037)."""
        self._look_again()
        return {"keys": [_jwk(kid, self._keys[kid]) for kid in self._times.published(now())]}

    def find(self, kid: str) -> jwt.PyJWK | None:
        """The public key that verifies tokens of this `kid`, while it is published."""
        self._look_again()
        return self._public[kid] if kid in self._times.published(now()) else None

    def sign(self, claims: dict[str, Any]) -> str:
        self._look_again()
        kid = self.current
        return jwt.encode(claims, self._keys[kid], ALGORITHM, headers={"kid": kid, "typ": TOKEN_TYPE})

    def _look_again(self) -> None:
        if time.monotonic() - self._looked < self._look_every:
            return
        self._looked = time.monotonic()
        try:
            seen = self._look()
            if seen == self._seen:
                return
            self._seen = seen
            self._read()
            log.info("signing_keys.read", kids=sorted(self._keys))
        except (NoSigningKey, OSError) as error:
            log.error("signing_keys.unreadable", error=str(error))

    def _look(self) -> list[tuple[str, int, int, int]]:
        """What tells whether something is another there, without reading a key."""
        stats = [(path.name, path.stat()) for path in key_files(self._directory)]
        return [(name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in stats]

    def _read(self) -> None:
        keys = read_keys(self._directory)
        times = Timetable(frozenset(keys), self._pinned)
        if (current := times.current(now())) not in keys:
            raise NoSigningKey(f"there is no {current or '<kid>'}.pem in {self._directory}")
        self._keys, self._times = keys, times
        self._public = {kid: jwt.PyJWK(_jwk(kid, key)) for kid, key in keys.items()}


class OwnKeys(KeySet):
    """Identity verifies tokens as everybody does, and has the keys at hand."""

    def __init__(self, keys: SigningKeys) -> None:
        super().__init__(Path())
        self._own = keys

    async def get(self, kid: str) -> jwt.PyJWK:
        if (key := self._own.find(kid)) is None:
            raise Unauthenticated
        return key


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


def _jwk(kid: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key()))
    return jwk | {"kid": kid, "use": "sig", "alg": ALGORITHM}
