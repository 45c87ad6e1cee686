"""Reading and changing the platform's configuration."""

from fastapi import Response

from shared.auth import CurrentAdmin, CurrentStaff, Visitor
from shared.db import ReadSession, Session
from shared.http import CurrentPage, IfMatch, Paged, PageView, tag
from shared.http import router as new_router

from ..commands import config as commands
from ..domain.config import ConfigChange, MdhConfig
from ..queries.config import config_history, get_config
from ..schemas.config import ConfigChangeView, ConfigRequest, ConfigView, PublicConfigView

router = new_router("catalog", "config", "/config")


@router.get("", response_model=ConfigView | PublicConfigView)
async def config(visitor: Visitor, session: ReadSession, response: Response) -> ConfigView | PublicConfigView:
    """Currency, deadlines and the fee for late cancellation; staff also see the commission."""
    found = await get_config(session)
    tag(response, found.version)
    response.headers["Vary"] = "Authorization"
    return (ConfigView if visitor.is_staff else PublicConfigView).model_validate(found)


@router.patch("", response_model=ConfigView)
async def change_config(
    wanted: ConfigRequest, admin: CurrentAdmin, session: Session, version: IfMatch, response: Response
) -> MdhConfig:
    """Change what is sent; what is left out stays. Every service goes by it within seconds; bookings that were made
    keep their terms."""
    changed = await commands.change_config(session, version, wanted, user_id=admin.user_id)
    tag(response, changed.version)
    return changed


@router.get("/history", response_model=PageView[ConfigChangeView])
async def history(_staff: CurrentStaff, session: ReadSession, page: CurrentPage) -> Paged[ConfigChange]:
    """Who changed what and when, latest first."""
    return await config_history(session, page)
