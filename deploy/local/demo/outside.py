"""What one sees from outside of the system: the mail catcher's inbox and the sandbox's ledger."""

from typing import Any

import httpx

from .http import ask, until
from .people import JSON, Person

VERIFY = "Is this your e-mail address?"


async def mails(http: httpx.AsyncClient, mail: str, to: str, subject: str = "") -> list[JSON]:
    """Oldest first."""
    found = (await ask(http, "GET", f"{mail}/api/mails", params={"to": to, "subject": subject})).json()
    return list(reversed(found["mails"]))


async def letter(http: httpx.AsyncClient, mail: str, mail_id: str) -> JSON:
    """A mail with its text."""
    return (await ask(http, "GET", f"{mail}/api/mails/{mail_id}")).json()  # type: ignore[no-any-return]


async def newest_letter(http: httpx.AsyncClient, mail: str, to: str, subject: str) -> JSON | None:
    """None while there is none."""
    found = await mails(http, mail, to, subject)
    return await letter(http, mail, found[-1]["id"]) if found else None


async def verify(person: Person, mail: str, patience: float) -> None:
    """Waits for the mail that asks for it, and follows its link."""
    to = person.email
    asked = await until(f"mail to {to}", lambda: newest_letter(person.http, mail, to, VERIFY), patience)
    await person.verify(asked)


async def ledger(http: httpx.AsyncClient, stripe: str, intent: str) -> dict[str, Any]:
    """What was charged and refunded for an intent, how often and how much; empty while no money has moved."""
    found = (await ask(http, "GET", f"{stripe}/_sandbox/ledger", params={"payment_intent": intent})).json()
    return next(iter(found["payment_intents"]), {})
