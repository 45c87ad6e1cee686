"""Photos of what is offered."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Keyed, Timestamped

from . import Base

MAX_PHOTOS = 12


class ServicePhoto(Keyed, Timestamped, Base, kw_only=True):
    """Known by its place in the service's row of photos."""

    __tablename__ = "service_photos"

    service_id: Mapped[int] = mapped_column(ForeignKey("services.id"), init=False)
    position: Mapped[int]
    url: Mapped[str]
