"""Where caught mail is kept: a directory in the manner of Maildir, a file per message."""

import os
import secrets
import time
from pathlib import Path

from .mail import Mail

SUFFIX = ".eml"


class Box:
    """A message that `store` has returned for survives `kill -9` and power loss; one cut short is never seen."""

    def __init__(self, directory: Path) -> None:
        self.incoming = directory / "tmp"
        self.kept = directory / "new"
        for folder in (self.incoming, self.kept):
            folder.mkdir(parents=True, exist_ok=True)
        self.mails = {path.stem: Mail(path.stem, path.read_bytes()) for path in self.kept.glob(f"*{SUFFIX}")}

    def store(self, sender: str, recipients: list[str], content: bytes) -> Mail:
        mail = Mail.caught(f"{time.time_ns():020d}-{secrets.token_hex(4)}", sender, recipients, content)
        written = self.incoming / (mail.id + SUFFIX)
        with written.open("wb") as file:
            file.write(mail.stored)
            file.flush()
            os.fsync(file.fileno())
        written.rename(self.kept / written.name)
        _sync(self.kept)
        self.mails[mail.id] = mail
        return mail

    def find(self, identifier: str) -> Mail | None:
        return self.mails.get(identifier)

    def matching(self, to: str, subject: str, message_id: str) -> list[Mail]:
        """Newest first. Recipient and subject match by any part of them, a message id only as a whole."""
        found = [mail for mail in list(self.mails.values()) if _matches(mail, to, subject, message_id)]
        return sorted(found, key=lambda mail: mail.id, reverse=True)

    def empty(self) -> int:
        """Throw everything away, and say how much it was."""
        thrown = list(self.mails)
        for identifier in thrown:
            (self.kept / (identifier + SUFFIX)).unlink(missing_ok=True)
            self.mails.pop(identifier, None)
        return len(thrown)


def _matches(mail: Mail, to: str, subject: str, message_id: str) -> bool:
    if to and not any(to.lower() in recipient.lower() for recipient in mail.recipients):
        return False
    if subject and subject.lower() not in mail.header("subject").lower():
        return False
    return not message_id or mail.header("message-id").strip(" <>") == message_id.strip(" <>")


def _sync(folder: Path) -> None:
    """A rename is durable once its directory is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
