"""The key that identity signs tokens with."""

import os
import secrets
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .home import Home


def make_signing_key(home: Home) -> None:
    """Once; `mdh keys rotate` puts another beside it."""
    if any(home.keys.glob("*.pem")):
        return
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = home.keys / "draft"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(pem)
    draft.rename(home.keys / f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(4)}.pem")
