"""`python -m services.identity.reseal`: seal every secret anew with the first of MDH_SECRETS_KEYS.

The other keys can go then. May be run again, and while identity runs with the same keys.
"""

import asyncio
import os
from typing import Annotated

import typer
from cryptography.fernet import InvalidToken
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db import Database

from .domain.second_factor import SecondFactor
from .vault import NoSecretsKey, Vault

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    url: Annotated[str, typer.Option(envvar="MDH_DATABASE_URL", help="as identity's role")],
) -> None:
    """Seal every secret anew with the first key of MDH_SECRETS_KEYS, which is read from the environment only: every
    process of the machine can read a command line."""
    try:
        count = asyncio.run(_reseal(url, Vault.of(os.environ.get("MDH_SECRETS_KEYS", ""))))
    except NoSecretsKey as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None
    except InvalidToken:
        typer.echo("nothing was changed: of some secret no key that opens it is in MDH_SECRETS_KEYS", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{count} secrets sealed anew")


async def _reseal(url: str, vault: Vault) -> int:
    database = Database(url, pool_size=1, application_name="identity reseal")
    try:
        async with database.begin() as session:
            return await reseal(session, vault)
    finally:
        await database.close()


async def reseal(session: AsyncSession, vault: Vault) -> int:
    """In one transaction, so that it is all or nothing; says how many there were."""
    factors = (await session.scalars(select(SecondFactor).with_for_update())).all()
    for factor in factors:
        factor.secret = vault.reseal(factor.secret)
    await session.flush()
    return len(factors)


if __name__ == "__main__":
    app()
