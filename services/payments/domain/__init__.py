"""Rules of payments: mapped tables, what the provider says in our words; no I/O."""

from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass

from shared.db import new_registry


class Base(MappedAsDataclass, DeclarativeBase):
    """Tables of mdh_payments."""

    registry = new_registry()
