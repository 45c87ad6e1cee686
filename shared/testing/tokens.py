"""Real access tokens for tests, signed with a key made for the run."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.auth import TOKEN_TYPE, Actor, Role, claims_of
from shared.ids import new_id
from shared.keys import ALGORITHM

ISSUER, AUDIENCE = "mdh-identity", "mdh"


@dataclass(frozen=True)
class Signer:
    """Signs as identity does; `public_keys` is its key set."""

    key: Ed25519PrivateKey
    kid: str = "test"

    def public_keys(self) -> dict[str, Any]:
        return {"keys": [json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(self.key.public_key())) | {"kid": self.kid}]}

    def write_public_keys(self, directory: Path) -> Path:
        path = directory / "jwks.json"
        path.write_text(json.dumps(self.public_keys()))
        return path

    def write_private_key(self, directory: Path) -> Path:
        """A directory of signing keys, as identity takes it, with this key in it."""
        directory.mkdir(exist_ok=True)
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (directory / f"{self.kid}.pem").write_bytes(pem)
        return directory

    def claims(self, actor: Actor) -> dict[str, Any]:
        at = time.time()
        times = {"iat": at, "exp": at + 600, "iss": ISSUER, "aud": AUDIENCE, "jti": str(new_id())}
        return claims_of(actor) | times

    def token(self, actor: Actor) -> str:
        return self.sign(self.claims(actor))

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        return jwt.encode(claims, self.key, ALGORITHM, headers={"kid": self.kid, "typ": TOKEN_TYPE} | header)


def customer(id: int) -> Actor:
    """A customer whose user id is the customer id plus 1,000: a test that mixes them up fails."""
    return Actor(user_id=id + 1000, roles=frozenset({Role.CUSTOMER}), customer_id=id)


def member(affiliate_id: int, role: Role = Role.OWNER, user_id: int = 500) -> Actor:
    return Actor(user_id=user_id, affiliates={affiliate_id: role})


ADMIN = Actor(user_id=1, roles=frozenset({Role.ADMIN}))
SUPPORT = Actor(user_id=2, roles=frozenset({Role.SUPPORT}))
