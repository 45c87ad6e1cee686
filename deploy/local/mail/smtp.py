"""The SMTP side: a message is answered 250 only once it is on disk."""

import asyncio
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from .box import Box
from .script import Line, Script

LARGEST_MESSAGE = 25_000_000
DATA_REFUSED = "554 Transaction failed"


class Catcher:
    def __init__(self, box: Box, script: Script) -> None:
        self.box = box
        self.script = script

    # The names and the arguments of both are aiosmtpd's.
    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        line = self.script.next_for([address], "reply")
        if line is not None:
            return f"{line.code} {line.message}"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self,
        server: SMTP,
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        line = self.script.next_for(envelope.rcpt_tos, "drop", "hang")
        if line is None or line.stored:
            content = envelope.original_content or b""
            await asyncio.to_thread(self.box.store, envelope.mail_from or "", list(envelope.rcpt_tos), content)
        if line is not None:
            await _lose_the_answer(server, line)
            return DATA_REFUSED
        return "250 OK, kept"


async def _lose_the_answer(server: SMTP, line: Line) -> None:
    """A client that goes away while it hangs ends the session, and this with it."""
    if line.action == "hang":
        await asyncio.sleep(line.seconds)
    if server.transport is not None:
        cast(asyncio.Transport, server.transport).abort()


def smtp_session(catcher: Catcher) -> SMTP:
    """What answers one connection."""
    return SMTP(
        catcher,
        data_size_limit=LARGEST_MESSAGE,
        enable_SMTPUTF8=True,
        hostname="mail.localhost",
        ident="Mobile Detail Hub mail catcher",
    )
