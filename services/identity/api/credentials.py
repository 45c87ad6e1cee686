"""What one signs in with: another password, another e-mail address; or no account any more."""

from shared.auth import CurrentActor, InPerson
from shared.db import ReadSession, Session
from shared.http import router as new_router

from ..commands import closing, emails, passwords, requests
from ..domain.limits import RESET
from ..schemas.credentials import CloseRequest, EmailRequest, PasswordRequest, ResetRequest
from ..schemas.registrations import AcceptedView, MailedSecretRequest, MailToRequest
from ..schemas.sessions import CookiesView, TokensView
from .request import CurrentClient, CurrentLimits, Hashing, Verifying
from .tokens import HandingOver

router = new_router("identity", "credentials")


@router.post("/password/resets", response_model=AcceptedView, status_code=202)
async def ask_for_reset(wanted: MailToRequest, limits: CurrentLimits, session: Session) -> AcceptedView:
    """For who no longer knows the password: if there is an account, a link is sent to its address."""
    await limits.spend(RESET, wanted.email)
    await requests.ask_for_reset(session, wanted.email)
    return AcceptedView()


@router.post("/password/resets/confirm", status_code=204)
async def reset_password(wanted: ResetRequest, hashing: Hashing, reading: ReadSession, session: Session) -> None:
    """Set a new password with the token that the mail has. Every session ends; the person is told."""
    await passwords.reset_password(session, reading, hashing, wanted.token, wanted.password)


@router.post("/password", response_model=TokensView | CookiesView, dependencies=[InPerson])
async def change_password(
    wanted: PasswordRequest,
    actor: CurrentActor,
    client: CurrentClient,
    verifier: Verifying,
    handover: HandingOver,
    session: Session,
) -> TokensView | CookiesView:
    """Change the password. Every other session ends; this one goes on with the tokens of the answer."""
    opened = await passwords.change_password(session, verifier, actor, client, wanted.password, wanted.new_password)
    return handover.of(opened, wanted.session)


@router.post("/email-changes", response_model=AcceptedView, status_code=202, dependencies=[InPerson])
async def ask_for_email_change(
    wanted: EmailRequest, actor: CurrentActor, verifier: Verifying, session: Session
) -> AcceptedView:
    """Ask for another e-mail address. It is yours once the link that is sent there comes back."""
    await requests.ask_for_email_change(session, verifier, actor, wanted.password, wanted.email)
    return AcceptedView()


@router.post("/email-changes/confirm", status_code=204)
async def confirm_email_change(proof: MailedSecretRequest, verifier: Verifying, session: Session) -> None:
    """Confirm the new address, with the token that the mail to it has and the password. The old address is told."""
    await emails.confirm_change(session, verifier, proof.token, proof.password)


@router.post("/me/close", status_code=204, dependencies=[InPerson])
async def close(wanted: CloseRequest, actor: CurrentActor, verifier: Verifying, session: Session) -> None:
    """Close the account: nobody signs in with it any more. Not by the last owner of a team."""
    await closing.close_mine(session, verifier, actor, wanted.password)
