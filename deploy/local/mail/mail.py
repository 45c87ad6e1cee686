"""One caught message: its envelope as the client gave it, its content as sent, and what can be read from that."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cached_property

SENDER, RECIPIENT, RECEIVED = "X-Envelope-From", "X-Envelope-To", "X-Received-At"


@dataclass(frozen=True)
class Mail:
    """As stored: a few envelope lines, then the message untouched."""

    id: str
    stored: bytes

    @classmethod
    def caught(cls, identifier: str, sender: str, recipients: list[str], content: bytes) -> "Mail":
        lines = [(SENDER, sender), *((RECIPIENT, recipient) for recipient in recipients)]
        lines.append((RECEIVED, datetime.now(UTC).isoformat()))
        envelope = "".join(f"{name}: {' '.join(value.split())}\r\n" for name, value in lines)
        return cls(identifier, envelope.encode() + content)

    @cached_property
    def _envelope(self) -> list[tuple[str, str]]:
        """The lines that the catcher put in front: they end with the moment of receipt, whatever the message says."""
        found: list[tuple[str, str]] = []
        for line in self.stored.split(b"\r\n"):
            name, _, value = line.decode("utf-8", "replace").partition(": ")
            found.append((name, value))
            if name == RECEIVED:
                break
        return found

    @property
    def raw(self) -> bytes:
        return self.stored.split(b"\r\n", len(self._envelope))[-1]

    @property
    def sender(self) -> str:
        return self._envelope[0][1]

    @property
    def recipients(self) -> list[str]:
        return [value for name, value in self._envelope if name == RECIPIENT]

    @property
    def received_at(self) -> datetime:
        return datetime.fromisoformat(self._envelope[-1][1])

    @cached_property
    def _message(self) -> EmailMessage:
        message = message_from_bytes(self.raw, policy=default)
        assert isinstance(message, EmailMessage)
        return message

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        return list(_headers(self._message))

    def header(self, wanted: str) -> str:
        """One that is folded right after its name keeps a space from that; it is no part of the value."""
        return next((value for name, value in self.headers if name.lower() == wanted.lower()), "").strip()

    @property
    def text(self) -> str | None:
        return self._part("plain")

    @property
    def html(self) -> str | None:
        return self._part("html")

    @property
    def attachments(self) -> list[str]:
        try:
            return [printable(part.get_filename() or "unnamed") for part in self._message.iter_attachments()]
        except Exception:
            return []

    def _part(self, kind: str) -> str | None:
        """None also where the parser, which raises all sorts of errors, cannot make sense of it: the rest is shown."""
        try:
            part = self._message.get_body((kind,))
            return None if part is None else printable(str(part.get_content())).replace("\r\n", "\n")
        except Exception:
            return None


def _headers(message: EmailMessage) -> Iterator[tuple[str, str]]:
    """Parsed where they can be; as they stand where the parser gives up on them."""
    for name, value in message.raw_items():
        try:
            yield printable(name), printable(str(message.policy.header_fetch_parse(name, value)))
        except Exception:
            yield printable(name), printable(str(value))


def printable(text: str) -> str:
    """Text that UTF-8 can carry: bytes that were not text when they came are shown as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
