"""Who sells: what an invoice must say of an affiliate; catalog's."""

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Timestamped
from shared.papers import PaperParty

from . import Base


class Affiliate(Timestamped, Base, kw_only=True):
    __tablename__ = "affiliates"

    affiliate_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    city: Mapped[str]
    state: Mapped[str]
    zip: Mapped[str]

    @property
    def party(self) -> PaperParty:
        return PaperParty(name=self.name, details=[f"{self.city}, {self.state} {self.zip}"])
