"""Rules of notifications: mapped tables and pure functions, no I/O."""

from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass

from shared.db import new_registry


class Base(MappedAsDataclass, DeclarativeBase):
    """Tables of mdh_notifications."""

    registry = new_registry()
