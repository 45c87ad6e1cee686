"""What customers agree to, with its history."""

from fastapi import Response

from shared.auth import CurrentCustomer, InPerson
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, tag
from shared.http import router as new_router

from ..commands import consents as commands
from ..domain.consent import ConsentChange, MarketingConsent
from ..queries.customers import consent_changes_of, consent_of
from ..schemas.customers import ConsentChangeView, ConsentRequest, ConsentView
from .request import CurrentClient

router = new_router("identity", "consents", "/me/consents")


@router.get("/marketing", response_model=ConsentView)
async def marketing_consent(actor: CurrentCustomer, session: ReadSession, response: Response) -> MarketingConsent:
    """Whether one is told of offers, by which channel."""
    consent = await consent_of(session, actor.customer_id)
    tag(response, consent.version)
    return consent


@router.put("/marketing", response_model=ConsentView, dependencies=[InPerson])
async def say(
    wanted: ConsentRequest,
    actor: CurrentCustomer,
    client: CurrentClient,
    session: Session,
    version: IfMatch,
    response: Response,
) -> MarketingConsent:
    """Agree to it or take it back: both is one request. Nobody else does it in one's name."""
    consent = await commands.say(session, actor, version, wanted, client)
    tag(response, consent.version)
    return consent


@router.get("/marketing/history", response_model=PageView[ConsentChangeView])
async def history(actor: CurrentCustomer, session: ReadSession, page: CurrentPage) -> Paged[ConsentChange]:
    """What was said when, from where and to which words, newest first."""
    return await consent_changes_of(session, actor.customer_id, page)
