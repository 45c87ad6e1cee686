"""Opening an account. Nobody learns here whether there is one with an address but whoever reads what is sent there."""

from shared.db import Session
from shared.http import router as new_router

from ..commands import registrations, requests
from ..domain.limits import VERIFY
from ..schemas.registrations import AcceptedView, MailedSecretRequest, MailToRequest, RegisterRequest
from .request import CurrentLimits, Hashing, Verifying

router = new_router("identity", "registrations")


@router.post("/register", response_model=AcceptedView, status_code=202)
async def register(
    wanted: RegisterRequest, limits: CurrentLimits, passwords: Hashing, session: Session
) -> AcceptedView:
    """Ask for an account. Our mail has the link that verifies the address; then one can log in."""
    await requests.ask_for_account(session, limits, passwords, wanted)
    return AcceptedView()


@router.post("/email-verifications", status_code=204)
async def verify_email(proof: MailedSecretRequest, verifier: Verifying, session: Session) -> None:
    """Verify the address of a new account, with the token that our mail has and the password it was opened with."""
    await registrations.verify(session, verifier, proof.token, proof.password)


@router.post("/email-verifications/resend", response_model=AcceptedView, status_code=202)
async def send_verification_again(wanted: MailToRequest, limits: CurrentLimits, session: Session) -> AcceptedView:
    """Have the mail sent again; at most one every few minutes."""
    await limits.spend(VERIFY, wanted.email)
    await requests.ask_for_verification(session, wanted.email)
    return AcceptedView()
