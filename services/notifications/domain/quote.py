"""What is known of a quote when something is to be said about it; booking's."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Timestamped

from . import Base


class Quote(Timestamped, Base, kw_only=True):
    __tablename__ = "quotes"

    quote_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[int]
    affiliate_id: Mapped[int]
    status: Mapped[str]
    valid_until: Mapped[datetime]
