"""What must be read again and yet not stand in the database as it is: sealed with keys that only the process knows.

Fernet (AES-128-CBC, HMAC-SHA256). The first key seals, all of them open, so that keys are changed without a pause: put
the new one in front, run `python -m services.identity.reseal`, and take the old one away.
"""

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.errors import Refusal
from shared.settings import Profile

from .settings import Settings

log = structlog.get_logger()


class SecretUnreadable(Refusal):
    """We cannot check codes of your app right now, which is our fault. A recovery code still works."""

    status = 503
    headers = {"Retry-After": "600"}  # noqa: RUF012


class NoSecretsKey(Exception):
    """Identity cannot start: there is no key to seal secrets with. The message says what is missing."""


class Vault:
    def __init__(self, keys: list[str]) -> None:
        self._keys = MultiFernet([Fernet(key) for key in keys])

    @classmethod
    def load(cls, settings: Settings) -> "Vault":
        """Only the profiles local and test do without a setting: their key lasts as long as the process."""
        given = settings.secrets_keys.get_secret_value() if settings.secrets_keys else ""
        if not given and settings.profile is not Profile.PRODUCTION:
            given = Fernet.generate_key().decode()
        return cls.of(given)

    @classmethod
    def of(cls, keys: str) -> "Vault":
        """As they stand in the setting, with commas between them."""
        found = [key for part in keys.split(",") if (key := part.strip())]
        if not found:
            raise NoSecretsKey("MDH_SECRETS_KEYS is not set")
        try:
            return cls(found)
        except ValueError as error:
            raise NoSecretsKey("MDH_SECRETS_KEYS has something in it that is no Fernet key") from error

    def seal(self, secret: str) -> bytes:
        return self._keys.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """`SecretUnreadable` if its key is gone: operators are told, for only they can bring it back."""
        try:
            return self._keys.decrypt(sealed).decode()
        except InvalidToken as error:
            log.error("vault.key_missing")
            raise SecretUnreadable from error

    def reseal(self, sealed: bytes) -> bytes:
        """The same secret, sealed with the first key."""
        return self._keys.rotate(sealed)
