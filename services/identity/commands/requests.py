"""What anybody may ask with any address. The answer is the same for all, and comes before anybody looks."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Actor
from shared.platform_config import Feature, must_be_on

from ..domain.limits import CHANGE_EMAIL, REGISTER
from ..domain.password import must_be_uncommon
from ..limits import Limits
from ..passwords import Passwords
from ..schemas.registrations import RegisterRequest
from ..tasks import mail_email_change, mail_password_reset, mail_verification_again, open_account, tasks
from .second_factor import Verifier


async def ask_for_account(session: AsyncSession, limits: Limits, passwords: Passwords, wanted: RegisterRequest) -> None:
    """A password that is too common is told as often as one likes: finding another is no attempt."""
    must_be_uncommon(wanted.password, about=(wanted.email, wanted.full_name))
    await limits.spend(REGISTER)
    password_hash = await passwords.hash(wanted.password)  # before the first statement: no connection waits for it
    await must_be_on(session, Feature.REGISTRATION)
    told = wanted.model_dump(exclude={"password"})
    tasks.enqueue(session, open_account, wanted=told, password_hash=password_hash)


async def ask_for_verification(session: AsyncSession, email: str) -> None:
    tasks.enqueue(session, mail_verification_again, email=email)


async def ask_for_reset(session: AsyncSession, email: str) -> None:
    tasks.enqueue(session, mail_password_reset, email=email)


async def ask_for_email_change(
    session: AsyncSession, verifier: Verifier, actor: Actor, password: str, email: str
) -> None:
    await verifier.limits.spend(CHANGE_EMAIL, actor.user_id)
    await verifier.must_know_password(actor, password)
    tasks.enqueue(session, mail_email_change, user_id=actor.user_id, email=email)
