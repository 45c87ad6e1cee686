"""Who can be told, and where: local copies, kept by the events of identity and catalog."""

from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Timestamped

from . import Base

OWNER = "owner"
GONE = "gone"


class Contact(Timestamped, Base, kw_only=True):
    """Where a user can be reached; identity's. Who was erased stays, without an address, and is told nothing more."""

    __tablename__ = "contacts"

    user_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[int | None]
    email: Mapped[str]
    full_name: Mapped[str]
    locale: Mapped[str]
    timezone: Mapped[str]

    @property
    def is_erased(self) -> bool:
        return not self.email


class Affiliate(Timestamped, Base, kw_only=True):
    """Who owns an affiliate, and how its application stands; catalog's."""

    __tablename__ = "affiliates"

    affiliate_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    owner_user_id: Mapped[int]
    name: Mapped[str]
    application_status: Mapped[str]


class Member(Timestamped, Base, kw_only=True):
    """Who works for an affiliate; identity's. Those who have left have the role `gone`."""

    __tablename__ = "affiliate_members"

    affiliate_user_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    affiliate_id: Mapped[int]
    user_id: Mapped[int]
    role: Mapped[str]
