"""HTTP of notifications."""

from shared.auth import CurrentActor
from shared.db import ReadSession, Session
from shared.http import CurrentPage, PageView, PathId
from shared.http import router as new_router
from shared.idempotency import Idempotent

from . import commands, queries
from .domain.message import Notification, Status
from .schemas import CommunicationView, NotificationsView, NotificationView, ReadAllView

router = new_router("notifications", "notifications")


@router.get("/notifications", response_model=NotificationsView)
async def notifications(
    actor: CurrentActor, session: ReadSession, page: CurrentPage, unread: bool = False
) -> NotificationsView:
    """One's own, newest first; `unread=true` for those not read yet."""
    found = await queries.notifications_of(session, actor, page, unread)
    items = [NotificationView.model_validate(one) for one in found.items]
    return NotificationsView(items=items, next=found.next, unread=await queries.unread_of(session, actor))


@router.post("/notifications/read-all", response_model=ReadAllView, dependencies=[Idempotent])
async def mark_all_read(actor: CurrentActor, session: Session) -> ReadAllView:
    """Mark everything that is there now as read."""
    return ReadAllView(marked_read=await commands.mark_all_read(session, actor))


@router.post("/notifications/{notification_id}/read", response_model=NotificationView, dependencies=[Idempotent])
async def mark_read(notification_id: PathId, actor: CurrentActor, session: Session) -> Notification:
    """Mark one as read; again changes nothing."""
    return await commands.mark_read(session, actor, notification_id)


@router.get("/communications", response_model=PageView[CommunicationView])
async def communications(
    actor: CurrentActor, session: ReadSession, page: CurrentPage, status: Status | None = None
) -> PageView[CommunicationView]:
    """The log of what was sent to oneself, newest first; staff see everybody's, but not what it says."""
    found = await queries.communications_of(session, actor, page, status)
    views = [CommunicationView.model_validate(one).shown_to(actor) for one in found.items]
    return PageView[CommunicationView](items=views, next=found.next)
