"""The mail server: one message, one honest answer."""

import asyncio
from email.errors import MessageError
from email.headerregistry import Address
from email.mime.multipart import MIMEMultipart
from email.utils import parseaddr

import aiosmtplib

from shared.paper_pdf import pdf_of

from .connections import Connections
from .domain.addressee import Addressee
from .domain.message import Communication
from .domain.people import Contact
from .links import link_of
from .mails import mail_of
from .settings import Settings
from .texts import one_line


class Undeliverable(Exception):
    """It will not arrive, however often it is sent: the server refused it for good, or it has no valid address."""


class NotTaken(Exception):
    """The server did not take it this time. Says what it answered, not to whom: this is logged."""


class MailServer:
    """`domain` is the one of the sender's address; Message-IDs end with it."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._connections = settings, Connections(settings)
        name, address = parseaddr(settings.mail_from)
        self._sender = Address(name, addr_spec=address)
        self.domain = self._sender.domain
        self.staff = Addressee(email=settings.staff_email) if settings.staff_email else None

    async def send(self, communication: Communication, contact: Contact | Addressee) -> None:
        """Done when the server has taken it. `Undeliverable` is final; anything else may be tried again.

        A lost connection or a timeout leaves open whether it was taken: the next try sends the same Message-ID.
        """
        paper = communication.attachment
        pdf = await asyncio.to_thread(pdf_of, paper) if paper else None
        try:
            await self._transfer(self._composed(communication, contact, pdf), contact.email)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _judged(refused.recipients[0], contact.email) from None
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as refused:
            raise _judged(refused, contact.email) from None

    async def _transfer(self, mail: MIMEMultipart, to: str) -> None:
        connection = await self._connections.take()
        try:
            await connection.smtp.send_message(mail, sender=self._sender.addr_spec, recipients=[to])
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException):
            await connection.quit()
            raise
        except BaseException:
            connection.smtp.close()
            raise
        self._connections.give_back(connection)

    def _composed(self, communication: Communication, contact: Contact | Addressee, pdf: bytes | None) -> MIMEMultipart:
        try:
            to = Address(one_line(contact.full_name), addr_spec=contact.email)
            return mail_of(communication, self._sender, to, link_of(self._settings, communication), pdf)
        except (ValueError, MessageError, IndexError) as error:
            raise Undeliverable(f"not a message: {type(error).__name__}") from error

    async def aclose(self) -> None:
        await self._connections.aclose()


def _judged(refused: aiosmtplib.SMTPResponseException, address: str) -> Exception:
    """5xx about this message is for good. Refused greetings and passwords are our trouble, not the message's."""
    answer = one_line(f"{refused.code} {refused.message}").replace(address, "(the recipient)")
    return Undeliverable(answer) if refused.code >= 500 else NotTaken(answer)
