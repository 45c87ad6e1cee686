"""Where the link of a mail leads: pages of the front end, or identity's own where there is none."""

from typing import NamedTuple

from .domain.kinds import Kind
from .domain.message import Communication
from .settings import Settings

# With a secret: the name of the page, and what one does there.
PAGES = {
    Kind.EMAIL_VERIFICATION: ("verify-email", "Verify this address"),
    Kind.PASSWORD_RESET: ("reset-password", "Set a new password"),
    Kind.EMAIL_CHANGE: ("confirm-email", "Confirm this address"),
    Kind.TEAM_INVITATION: ("accept-invitation", "Join the team"),
    Kind.EXPORT_READY: ("fetch-export", "Fetch your data"),
    Kind.ERASURE_ACCEPTED: ("erasure", "See how it stands"),
}
OPEN = "Open in Mobile Detail Hub"


class Link(NamedTuple):
    url: str
    label: str


def link_of(settings: Settings, communication: Communication) -> Link:
    if communication.notice in PAGES:
        page, label = PAGES[communication.notice]
        return Link(f"{settings.pages_url}/{page}?token={communication.secret}", label)
    base = (settings.frontend_url or settings.public_url).rstrip("/")
    if communication.quote_id is not None:
        return Link(f"{base}/quotes/{communication.quote_id}", OPEN)
    if communication.booking_id is not None:
        return Link(f"{base}/bookings/{communication.booking_id}", OPEN)
    if communication.affiliate_id is not None:
        return Link(f"{base}/affiliates/{communication.affiliate_id}", OPEN)
    return Link(base, OPEN)
