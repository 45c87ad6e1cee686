"""A communication as a mail: the letter as text and as HTML, and a paper that comes along.

Put together from the library's older classes: the newer ones read each header that they are given as a grammar, which
costs eight times as much.
"""

from email.charset import QP, Charset
from email.headerregistry import Address
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr

from .domain.message import Communication
from .links import Link
from .texts import letter, one_line

UTF_8 = Charset("utf-8")
UTF_8.body_encoding = QP


def mail_of(communication: Communication, sender: Address, to: Address, link: Link, pdf: bytes | None) -> MIMEMultipart:
    """The same bytes each time, so that a copy can be known as one."""
    mail = _body(communication, to.display_name, link)
    if communication.attachment and pdf:
        filename = f"{communication.attachment.number}.pdf"
        paper = MIMEApplication(pdf, "pdf")
        paper.add_header("Content-Disposition", "attachment", filename=filename)
        mail = MIMEMultipart("mixed", f"mdh-with-{communication.id}", [mail, paper])
    mail["From"], mail["To"] = _shown(sender), _shown(to)
    mail["Subject"], mail["Date"] = one_line(communication.subject), format_datetime(communication.created_at)
    mail["Message-ID"] = communication.message_id or ""
    mail["Auto-Submitted"] = "auto-generated"
    return mail


def _body(communication: Communication, name: str, link: Link) -> MIMEMultipart:
    words = {"title": communication.subject, "message": communication.content, "name": name}
    forms = {"plain": letter("txt", **words, link=link), "html": letter("html", **words, link=link)}
    parts = [MIMEText(words, form, UTF_8) for form, words in forms.items()]  # type: ignore[arg-type] # a Charset will do
    return MIMEMultipart("alternative", f"mdh-{communication.id}", parts)


def _shown(address: Address) -> str:
    return formataddr((address.display_name, address.addr_spec))
