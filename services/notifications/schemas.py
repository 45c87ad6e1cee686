"""What the API of notifications gives."""

from datetime import datetime
from typing import Any, Self

from shared.auth import Actor
from shared.http import PageView, View

from .domain.kinds import Kind
from .domain.message import Channel, Status


class NotificationView(View):
    id: int
    type: Kind
    title: str
    message: str
    data: dict[str, Any]
    is_read: bool
    created_at: datetime


class NotificationsView(PageView[NotificationView]):
    """`unread` counts all of one's unread notifications, whatever page this is."""

    unread: int


class ReadAllView(View):
    """How many were unread."""

    marked_read: int


class CommunicationView(View):
    """`content` is for whom it is said to. `attempts` is how often the mail server was handed it; `error`, why it was
    refused, is for staff."""

    id: int
    from_user_id: int | None
    to_user_id: int | None
    type: Channel
    notice: Kind
    subject: str
    content: str | None
    status: Status
    sent_at: datetime | None
    message_id: str | None
    attempts: int
    error: str | None
    created_at: datetime
    updated_at: datetime

    def shown_to(self, actor: Actor) -> Self:
        if not actor.is_staff:
            return self.model_copy(update={"error": None})
        return self if self.to_user_id == actor.user_id else self.model_copy(update={"content": None})
