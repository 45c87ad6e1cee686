"""Promotion codes: of an affiliate by those who run it, of the platform by its administrators."""

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import CurrentActor, InPerson
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, PageView, PathId, QueryId, tag
from shared.http import router as new_router
from shared.idempotency import Idempotent

from ..commands import promotions as commands
from ..domain.promotion import Promotion
from ..queries.promotions import promotion_for, promotions_of, uses_of
from ..schemas.promotions import PromotionLimitsRequest, PromotionRequest, PromotionView

router = new_router("catalog", "promotions", "/promotions")


@router.post("", response_model=PromotionView, status_code=201, dependencies=[InPerson, Idempotent])
async def begin_promotion(
    wanted: PromotionRequest, actor: CurrentActor, session: Session, response: Response
) -> Promotion:
    """A new code. No other promotion of this affiliate, or of the platform, can ever have the same."""
    promotion = await commands.begin_promotion(session, actor, wanted)
    response.headers["Location"] = f"/catalog/v1/promotions/{promotion.id}"
    tag(response, promotion.version)
    return promotion


@router.get("", response_model=PageView[PromotionView])
async def promotions(
    actor: CurrentActor,
    session: ReadSession,
    page: CurrentPage,
    affiliate_id: QueryId | None = None,
) -> PageView[PromotionView]:
    """An affiliate's, newest first; without an affiliate the platform's, for staff."""
    found = await promotions_of(session, actor, affiliate_id, page)
    uses = await uses_of(session, [promotion.id for promotion in found.items])
    return PageView(items=[_shown(promotion, uses) for promotion in found.items], next=found.next)


@router.get("/{promotion_id}", response_model=PromotionView)
async def promotion(
    promotion_id: PathId, actor: CurrentActor, session: ReadSession, response: Response
) -> PromotionView:
    """For the staff and for those who run its affiliate."""
    return await _answer(session, await promotion_for(session, actor, promotion_id), response)


@router.put("/{promotion_id}", response_model=PromotionView, dependencies=[InPerson])
async def limit_promotion(
    promotion_id: PathId,
    wanted: PromotionLimitsRequest,
    actor: CurrentActor,
    session: Session,
    version: IfMatch,
    response: Response,
) -> PromotionView:
    """Change when it ends and how often it can be used. Bookings made keep their price."""
    limited = await commands.limit_promotion(session, actor, promotion_id, version, wanted)
    return await _answer(session, limited, response)


@router.post("/{promotion_id}/end", response_model=PromotionView, dependencies=[InPerson, Idempotent])
async def end_promotion(
    promotion_id: PathId, actor: CurrentActor, session: Session, version: IfMatch, response: Response
) -> PromotionView:
    """End it now, for good. Bookings made keep their price."""
    ended = await commands.end_promotion(session, actor, promotion_id, version)
    return await _answer(session, ended, response)


async def _answer(session: AsyncSession, promotion: Promotion, response: Response) -> PromotionView:
    tag(response, promotion.version)
    return _shown(promotion, await uses_of(session, [promotion.id]))


def _shown(promotion: Promotion, uses: dict[int, int]) -> PromotionView:
    view = PromotionView.model_validate(promotion)
    return view.model_copy(update={"uses": uses.get(promotion.id, 0)})
