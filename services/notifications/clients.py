"""The mail server: one message, one connection, one honest answer."""

import asyncio
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

import aiosmtplib

from shared.paper_pdf import pdf_of

from .domain.addressee import Addressee
from .domain.message import Communication
from .domain.people import Contact
from .links import Link, link_of
from .settings import Settings, Tls
from .texts import letter, one_line

TIMEOUT = 10.0  # seconds, for each step of the dialogue


class Undeliverable(Exception):
    """It will not arrive, however often it is sent: the server refused it for good, or it has no valid address."""


class NotTaken(Exception):
    """The server did not take it this time. Says what it answered, not to whom: this is logged."""


class MailServer:
    """`domain` is the one of the sender's address; Message-IDs end with it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        name, self._address = parseaddr(settings.mail_from)
        self._sender = Address(name, addr_spec=self._address)
        self.domain = self._sender.domain

    async def send(self, communication: Communication, contact: Contact | Addressee) -> None:
        """Done when the server has taken it. `Undeliverable` is final; anything else may be tried again.

        A lost connection or a timeout leaves open whether it was taken: the next try sends the same Message-ID.
        """
        paper = communication.attachment
        pdf = await asyncio.to_thread(pdf_of, paper) if paper else None
        message = self._composed(communication, contact)
        if paper and pdf:
            _attach(message, pdf, f"{paper.number}.pdf", communication.id)
        try:
            await self._transfer(message, contact.email)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _judged(refused.recipients[0], contact.email) from None
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as refused:
            raise _judged(refused, contact.email) from None

    async def _transfer(self, message: EmailMessage, to: str) -> None:
        settings, password = self._settings, self._settings.smtp_password
        await aiosmtplib.send(
            message,
            sender=self._address,
            recipients=[to],
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user,
            password=password.get_secret_value() if password else None,
            use_tls=settings.smtp_tls is Tls.TLS,
            start_tls=settings.smtp_tls is Tls.STARTTLS,
            timeout=TIMEOUT,
        )

    def _composed(self, communication: Communication, contact: Contact | Addressee) -> EmailMessage:
        try:
            return self._headed(communication, contact, link_of(self._settings, communication))
        except (ValueError, MessageError, IndexError) as error:
            raise Undeliverable(f"not a message: {type(error).__name__}") from error

    def _headed(self, communication: Communication, contact: Contact | Addressee, link: Link) -> EmailMessage:
        """The same bytes each time, so that a copy can be known as one."""
        name = one_line(contact.full_name)
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"] = self._sender, Address(name, addr_spec=contact.email)
        message["Subject"], message["Date"] = one_line(communication.subject), communication.created_at
        message["Message-ID"] = communication.message_id
        message["Auto-Submitted"] = "auto-generated"
        words = {"title": communication.subject, "message": communication.content, "name": name}
        message.set_content(letter("txt", **words, link=link), cte="quoted-printable")
        message.add_alternative(letter("html", **words, link=link), subtype="html", cte="quoted-printable")
        message.set_boundary(f"mdh-{communication.id}")
        return message


def _attach(message: EmailMessage, pdf: bytes, filename: str, communication_id: int) -> None:
    """The words become a part of their own; what is between the parts is the same each time, too."""
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename=filename)
    message.set_boundary(f"mdh-with-{communication_id}")


def _judged(refused: aiosmtplib.SMTPResponseException, address: str) -> Exception:
    """5xx about this message is for good. Refused greetings and passwords are our trouble, not the message's."""
    answer = one_line(f"{refused.code} {refused.message}").replace(address, "(the recipient)")
    return Undeliverable(answer) if refused.code >= 500 else NotTaken(answer)
