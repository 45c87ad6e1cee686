"""`python -m services.identity.admin create --email …`: make an account for the platform's staff.

The password comes from MDH_STAFF_PASSWORD or the first line of standard input, never from the command line, where
every process of the machine could read it.
"""

import asyncio
import os
import sys
from enum import StrEnum
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from shared.context import Cause, caused_by
from shared.db import Database
from shared.errors import Refusal
from shared.http import Line
from shared.ids import new_id

from .commands.accounts import open_account
from .commands.forgetting import forget_unverified
from .domain.account import User, UserRole
from .passwords import Passwords
from .queries.accounts import find_by_email
from .schemas.fields import Email, NewPassword

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


class StaffRole(StrEnum):
    ADMIN = "admin"
    SUPPORT = "support"


@app.callback()
def admin() -> None:
    """Accounts of the platform's staff."""


@app.command()
def create(
    email: Annotated[str, typer.Option()],
    url: Annotated[str, typer.Option(envvar="MDH_DATABASE_URL", help="as identity's role")],
    full_name: str = "Administrator",
    role: StaffRole = StaffRole.ADMIN,
) -> None:
    """Make a staff account. Run again for the same address and role it changes nothing, the password included."""
    password = os.environ.get("MDH_STAFF_PASSWORD") or sys.stdin.readline().rstrip("\r\n")
    try:
        address = TypeAdapter(Email).validate_python(email)
        user = User(
            email=address,
            full_name=TypeAdapter(Line).validate_python(full_name),
            role=UserRole(role),
            locale="en-US",
            timezone="UTC",
        )
        made = asyncio.run(create_staff(url, user, TypeAdapter(NewPassword).validate_python(password)))
    except ValidationError as invalid:
        raise typer.BadParameter("; ".join(error["msg"] for error in invalid.errors())) from None
    except Refusal as refusal:
        typer.echo(refusal.detail, err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{address}: {'created' if made else 'exists already'}")


async def create_staff(url: str, user: User, password: str) -> bool:
    """In one transaction; says whether it was made now. `EmailTaken` if the address is somebody else's."""
    database = Database(url, pool_size=1, application_name="identity admin")
    try:
        with caused_by(Cause(str(new_id()), actor="operator")):
            async with database.begin() as session:
                known = await find_by_email(session, user.email)
                if known and known.is_verified and known.role is user.role:
                    return False
                if known:
                    await forget_unverified(session, [known.id])
                await open_account(session, Passwords(at_once=1), user, password)
                return True
    finally:
        await database.close()


if __name__ == "__main__":
    app()
