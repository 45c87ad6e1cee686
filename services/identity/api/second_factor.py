"""The second factor: codes of an app besides the password."""

from fastapi import Response

from shared.auth import CurrentActor, InPerson
from shared.db import ReadSession, Session
from shared.http import router as new_router

from ..commands import second_factor as commands
from ..queries import second_factor as queries
from ..schemas.second_factor import (
    CodeRequest,
    EnrolmentRequest,
    EnrolmentView,
    ProofRequest,
    RecoveryCodesView,
    SecondFactorRequest,
    SecondFactorView,
)
from ..schemas.sessions import CookiesView, TokensView
from .request import CurrentClient, Verifying
from .tokens import HandingOver

router = new_router("identity", "second factor")


@router.get("/second-factor", response_model=SecondFactorView)
async def second_factor(actor: CurrentActor, session: ReadSession) -> queries.FactorState:
    """Whether a code is asked for, and how many recovery codes are left."""
    return await queries.state_of(session, actor.user_id)


@router.post("/second-factor", response_model=EnrolmentView, dependencies=[InPerson])
async def enrol(
    wanted: EnrolmentRequest, actor: CurrentActor, verifier: Verifying, session: Session, response: Response
) -> commands.Enrolment:
    """A secret for an app. Codes are asked for once one was confirmed; again before that, it is another secret."""
    response.headers["Cache-Control"] = "no-store"
    return await commands.enrol(session, verifier, actor, wanted.password)


@router.post("/second-factor/confirm", response_model=RecoveryCodesView, dependencies=[InPerson])
async def confirm(
    wanted: CodeRequest, actor: CurrentActor, verifier: Verifying, session: Session, response: Response
) -> RecoveryCodesView:
    """Switch it on with the first code of the app, within 15 minutes. Answers the recovery codes, this once."""
    response.headers["Cache-Control"] = "no-store"
    return RecoveryCodesView(recovery_codes=await commands.confirm(session, verifier, actor, wanted.code))


@router.post("/second-factor/disable", status_code=204, dependencies=[InPerson])
async def disable(wanted: ProofRequest, actor: CurrentActor, verifier: Verifying, session: Session) -> None:
    """Switch it off, with password and code; who has lost the app takes a recovery code."""
    await commands.disable(session, verifier, actor, wanted.password, wanted.code)


@router.post("/second-factor/recovery-codes", response_model=RecoveryCodesView, dependencies=[InPerson])
async def renew_recovery_codes(
    wanted: ProofRequest, actor: CurrentActor, verifier: Verifying, session: Session, response: Response
) -> RecoveryCodesView:
    """Ten new recovery codes instead of those before, shown this once."""
    response.headers["Cache-Control"] = "no-store"
    codes = await commands.renew_recovery_codes(session, verifier, actor, wanted.password, wanted.code)
    return RecoveryCodesView(recovery_codes=codes)


@router.post("/login/second-factor", response_model=TokensView | CookiesView)
async def complete_sign_in(
    wanted: SecondFactorRequest,
    client: CurrentClient,
    verifier: Verifying,
    handover: HandingOver,
    session: Session,
) -> TokensView | CookiesView:
    """Complete a login with a code of the app, or a recovery code."""
    opened = await commands.complete_sign_in(session, verifier, wanted.challenge, wanted.code, client)
    return handover.of(opened, wanted.session)
