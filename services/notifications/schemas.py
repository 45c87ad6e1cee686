"""What the API of notifications gives."""

from datetime import datetime
from typing import Any

from shared.http import PageView, View

from .domain.message import Channel, Status
from .domain.notice import Kind


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
    """`attempts` is how often it was handed to the mail server; `error`, why it was refused, is for staff."""

    id: int
    from_user_id: int | None
    to_user_id: int | None
    type: Channel
    notice: Kind
    subject: str
    content: str
    status: Status
    sent_at: datetime | None
    message_id: str | None
    attempts: int
    error: str | None
    created_at: datetime
    updated_at: datetime
