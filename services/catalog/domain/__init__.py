"""Rules of catalog: mapped tables and pure functions, no I/O."""

from datetime import datetime

from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from shared.db import new_registry


class Base(MappedAsDataclass, DeclarativeBase):
    """Tables of mdh_catalog."""

    registry = new_registry()


class SoftDeleted(MappedAsDataclass, kw_only=True):
    """What others may still point at is not deleted but marked; no query shows it any more."""

    deleted_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
