"""Photos are elsewhere: what is kept is where, and only what any browser may be sent to."""

import re

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import Keyed, Timestamped

from . import Base

MAX_PHOTOS, MAX_URL = 12, 500

PLAIN = re.compile(r"https://[!#-;=?-\[\]-~]+")  # ASCII without spaces, quotes, < > and \\
# Names with a dot whose last part begins with a letter: no address in figures, in whatever notation, is one.
HOST = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
PRIVATE = {
    "arpa", "corp", "home", "internal", "intranet", "invalid", "lan", "local", "localhost", "onion", "private", "test",
}  # fmt: skip


def public_url(url: str) -> str:
    """The URL, or ValueError: https, a public name, no credentials, no port but the usual."""
    if not PLAIN.fullmatch(url):
        raise ValueError("is not an https URL in plain ASCII")
    host = re.split("[/?#]", url.removeprefix("https://"), maxsplit=1)[0].lower().removesuffix(":443")
    if not HOST.fullmatch(host) or host.rsplit(".", 1)[1] in PRIVATE:
        raise ValueError("is not at a public host's name, without credentials and port")
    return url


class ServicePhoto(Keyed, Timestamped, Base, kw_only=True):
    """Known by its place in the service's row of photos."""

    __tablename__ = "service_photos"

    service_id: Mapped[int] = mapped_column(ForeignKey("services.id"), init=False)
    position: Mapped[int]
    url: Mapped[str]
