"""What seals secrets, and how its keys are changed."""

import asyncio

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from typer.testing import CliRunner

from services.identity.domain.account import User, UserRole
from services.identity.domain.second_factor import SecondFactor
from services.identity.reseal import app, reseal
from services.identity.settings import Settings
from services.identity.vault import NoSecretsKey, SecretUnreadable, Vault
from shared.db import Database
from shared.settings import Profile, Role

from .conftest import EMAIL

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
    with pytest.raises(SecretUnreadable):
        vault(NEW).open(sealed)


@pytest.mark.parametrize(
    "keys", [None, "", " , ", "x", f"{OLD},x"], ids=["none", "empty", "only commas", "no key", "one that is no key"]
)
def test_production_does_not_start_without_a_key(keys: str | None) -> None:
    with pytest.raises(NoSecretsKey):
        vault(keys)


def test_the_profiles_local_and_test_make_one() -> None:
    made = vault(None, Profile.LOCAL)
    assert made.open(made.seal("a secret")) == "a secret"


async def test_a_key_is_changed_without_anybody_setting_up_their_app_anew(
    session: AsyncSession, database: Database
) -> None:
    user = User(email=EMAIL, full_name="Ada", role=UserRole.CUSTOMER, locale="en-US", timezone="UTC")
    session.add(user)
    await session.flush()
    session.add(SecondFactor(user_id=user.id, secret=vault(OLD).seal("a secret")))
    await session.flush()
    assert await reseal(session, vault(f"{NEW},{OLD}")) == 1
    assert vault(NEW).open(await session.scalar(select(SecondFactor.secret)) or b"") == "a secret"


async def test_the_command_says_what_it_did(fresh_database: Database) -> None:
    told = {"MDH_DATABASE_URL": fresh_database.url, "MDH_SECRETS_KEYS": NEW}
    result = await asyncio.to_thread(lambda: CliRunner().invoke(app, [], env=told))
    assert (result.exit_code, result.output) == (0, "0 secrets sealed anew\n")
    told["MDH_SECRETS_KEYS"] = "x"
    result = await asyncio.to_thread(lambda: CliRunner().invoke(app, [], env=told))
    assert result.exit_code == 1


async def test_the_command_takes_no_key_from_its_command_line_and_changes_nothing_without_the_old_one(
    fresh_database: Database,
) -> None:
    async with fresh_database.begin() as session:
        user = User(email=EMAIL, full_name="Ada", role=UserRole.CUSTOMER, locale="en-US", timezone="UTC")
        session.add(user)
        await session.flush()
        session.add(SecondFactor(user_id=user.id, secret=vault(OLD).seal("a secret")))
    told = {"MDH_DATABASE_URL": fresh_database.url, "MDH_SECRETS_KEYS": NEW}
    result = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["--keys", f"{NEW},{OLD}"], env=told))
    assert result.exit_code == 2
    result = await asyncio.to_thread(lambda: CliRunner().invoke(app, [], env=told))
    assert (result.exit_code, "nothing was changed" in result.output) == (1, True)
    async with fresh_database.begin() as session:
        assert vault(OLD).open(await session.scalar(select(SecondFactor.secret)) or b"") == "a secret"
