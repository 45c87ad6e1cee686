"""In whose name papers are issued: what a customer wants on them, and what stood on each."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import now
from shared.db import Timestamped
from shared.errors import NotFound

from . import Base


class NoBillingName(NotFound):
    """You have given no name for invoices: they say your customer number."""


class BillingName(Timestamped, Base, kw_only=True):
    """A company's, or their own: on papers that are issued from now on. `address` has the lines below it."""

    __tablename__ = "billing_names"

    customer_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    address: Mapped[list[str]] = mapped_column(default_factory=list)

    @property
    def lines(self) -> list[str]:
        return [self.name, *self.address]


class InvoiceName(Base, kw_only=True):
    """Of one paper, as it was when that was issued. A row of its own, because a paper never changes and a person may
    be erased."""

    __tablename__ = "invoice_names"

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    customer_id: Mapped[int]
    lines: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=now)
