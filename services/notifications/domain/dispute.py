"""How far a dispute is that somebody may have been told of; payments'."""

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Timestamped

from . import Base


class Dispute(Timestamped, Base, kw_only=True):
    __tablename__ = "disputes"

    dispute_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    status: Mapped[str]
