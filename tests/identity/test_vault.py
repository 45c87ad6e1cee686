"""What seals secrets, and how its keys are changed."""

import pytest
from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr

from services.identity.settings import Settings
from services.identity.vault import NoSecretsKey, Vault
from shared.settings import Profile, Role

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def vault(keys: str | None, profile: Profile = Profile.PRODUCTION) -> Vault:
    sealing = SecretStr(keys) if keys is not None else None
    url = SecretStr("postgresql+asyncpg://nobody@localhost/nothing")
    return Vault.load(
        Settings(profile=profile, role=Role.API, database_url=url, jwks_url="http://x", secrets_keys=sealing)
    )


def test_the_first_key_seals_and_all_of_them_open() -> None:
    sealed = vault(OLD).seal("a secret")
    both = vault(f"{NEW}, {OLD}")
    assert both.open(sealed) == "a secret"
    assert vault(NEW).open(both.seal("another")) == "another"
    with pytest.raises(InvalidToken):
        vault(NEW).open(sealed)


@pytest.mark.parametrize("keys", [None, "", " , ", "x", f"{OLD},x"])
def test_production_does_not_start_without_a_key(keys: str | None) -> None:
    with pytest.raises(NoSecretsKey):
        vault(keys)


def test_the_profiles_local_and_test_make_one() -> None:
    made = vault(None, Profile.LOCAL)
    assert made.open(made.seal("a secret")) == "a secret"
