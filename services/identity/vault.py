"""What must be read again and yet not stand in the database as it is: sealed with keys that only the process knows.

Fernet (AES-128-CBC, HMAC-SHA256). The first key seals, all of them open, so that keys are changed without a pause: put
the new one in front, run `python -m services.identity.reseal`, and take the old one away.
"""

from cryptography.fernet import Fernet, MultiFernet

from shared.settings import Profile

from .settings import Settings


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
        return self._keys.decrypt(sealed).decode()

    def reseal(self, sealed: bytes) -> bytes:
        """The same secret, sealed with the first key."""
        return self._keys.rotate(sealed)
