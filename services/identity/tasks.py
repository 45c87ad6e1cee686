"""What identity does after it has answered, so that the answer does not tell whether an address has an account."""

from typing import Any

from shared.tasks import Outside, Tasks

from .commands import emails, passwords, registrations

tasks = Tasks("identity")


@tasks.call
async def open_account(outside: Outside, wanted: dict[str, Any], password_hash: str) -> None:
    async with outside.begin() as session:
        await registrations.open_or_tell_owner(session, wanted, password_hash)


@tasks.call
async def mail_verification_again(outside: Outside, email: str) -> None:
    async with outside.begin() as session:
        await registrations.mail_again(session, email)


@tasks.call
async def mail_password_reset(outside: Outside, email: str) -> None:
    async with outside.begin() as session:
        await passwords.mail_reset(session, email)


@tasks.call
async def mail_email_change(outside: Outside, user_id: int, email: str) -> None:
    async with outside.begin() as session:
        await emails.mail_change(session, user_id, email)
