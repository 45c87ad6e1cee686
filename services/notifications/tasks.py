"""What notifications asks of the outside: e-mails, each sent outside of any transaction."""

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import now
from shared.tasks import Outside, Tasks

from . import queries
from .clients import MailServer, Undeliverable
from .domain.addressee import Addressee
from .domain.message import Communication, Status, outcome
from .domain.people import Contact
from .domain.truth import is_still_true, is_true_of_quote

tasks = Tasks("notifications")

LOG = Communication.__table__
CONCLUDE = (
    update(LOG)  # type: ignore[arg-type]
    .where(LOG.c.id == bindparam("concluded"), LOG.c.status == Status.QUEUED)
    .values(version=LOG.c.version + 1)
)


@tasks.call
async def send_email(outside: Outside, communication_id: int) -> None:
    """Look again, send, write down how it went.

    A crash after the server's answer and before it is written down sends the same message again: at least once, and
    recognisable by its Message-ID. One that was sent, skipped or refused is not touched again.
    """
    server = outside.client(MailServer)
    async with outside.begin() as session:
        ready = await _prepare(session, communication_id, server)
    if ready is None:
        return
    refusal = None
    try:
        await server.send(*ready)
    except Undeliverable as error:
        refusal = str(error)
    async with outside.alone() as session:
        await _conclude(session, communication_id, refusal)


async def _prepare(
    session: AsyncSession, communication_id: int, server: MailServer
) -> tuple[Communication, Contact | Addressee] | None:
    """The message and its recipient, counted as an attempt; None if there is nothing to send (any more)."""
    communication, contact, booking, affiliate, quote = await queries.outgoing(session, communication_id)
    if communication.status is not Status.QUEUED:
        return None
    if isinstance(contact, Addressee) and contact.is_staff:
        contact = server.staff
    true = is_still_true(communication.notice, communication.appointment_start, booking, affiliate, now())
    true &= is_true_of_quote(communication.notice, communication.quote_version, quote, now())
    if contact is None or not contact.email or not communication.content:  # erased since, or nobody is configured
        communication.skip()
        return None
    if not true or communication.is_too_late(now()):
        communication.skip()
        return None
    communication.attempt(server.domain)
    return communication, contact


async def _conclude(session: AsyncSession, communication_id: int, refusal: str | None) -> None:
    """Unless a worker whose lease had run out was at it too, and was first."""
    await session.execute(CONCLUDE, {"concluded": communication_id} | outcome(refusal, now()))
