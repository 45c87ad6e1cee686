"""What the platform holds of somebody, gathered for them."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Aggregate, Keyed, Timestamped, words
from shared.errors import NotFound

from . import Base
from .session import new_secret

ONE_AT_A_TIME = "exports_one_at_a_time"
FETCHED_WITHIN = timedelta(hours=24)
GATHERED_WITHIN = timedelta(days=7)  # after that it is given up


class NoSuchExport(NotFound):
    """There is no such export, it is not yours, or its day is over."""


class ExportStatus(StrEnum):
    GATHERING = "gathering"
    READY = "ready"
    OVER = "over"


class Export(Aggregate, Base, kw_only=True):
    """One export. The link to it is `secret`, which stays as long as the archive does, beside it, and no longer."""

    __tablename__ = "exports"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    customer_id: Mapped[int | None]
    status: Mapped[ExportStatus] = mapped_column(words(ExportStatus), default=ExportStatus.GATHERING)
    expires_at: Mapped[datetime]
    ready_at: Mapped[datetime | None] = mapped_column(default=None)
    secret: Mapped[str | None] = mapped_column(default=None, repr=False)

    def complete(self, at: datetime) -> None:
        self.status, self.secret = ExportStatus.READY, new_secret()
        self.ready_at, self.expires_at = at, at + FETCHED_WITHIN
        self.version += 1

    def end(self) -> None:
        self.status, self.secret = ExportStatus.OVER, None
        self.version += 1


class ExportPart(Keyed, Timestamped, Base, kw_only=True):
    """One part of what one service holds: JSON, rows by table."""

    __tablename__ = "export_parts"

    export_id: Mapped[int] = mapped_column(ForeignKey("exports.id"))
    service: Mapped[str]
    part: Mapped[int]
    parts: Mapped[int]
    data: Mapped[str] = mapped_column(repr=False)
