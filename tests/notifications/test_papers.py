"""Receipts, invoices and credit notes come by mail, each once, with the file that payments gives out."""

from base64 import b64decode
from email import message_from_string, policy
from typing import Any

import pytest

from services.notifications.domain.message import Status
from services.notifications.personal import personal
from shared.contracts.identity import ErasureRequested
from shared.contracts.payments import InvoiceIssued
from shared.paper_pdf import pdf_of
from shared.papers import Paper, PaperKind
from tests.mail.process import Catcher
from tests.notifications.conftest import CUSTOMER, CUSTOMER_USER, Office, issued, person


async def attached(catcher: Catcher, mail: dict[str, Any]) -> tuple[str, str | None, bytes]:
    """Kind, name and content of the one file of a mail."""
    raw = (await catcher.http.get(f"/api/mails/{mail['id']}")).json()["raw"]
    [part] = message_from_string(raw, policy=policy.SMTP).iter_attachments()
    return part.get_content_type(), part.get_filename(), b64decode(str(part.get_payload()))


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (PaperKind.RECEIPT, "Your receipt R-2026-000001: $189.00"),
        (PaperKind.INVOICE, "Your invoice I-31-2026-000001 of Shine"),
        (PaperKind.CREDIT_NOTE, "Credit note C-31-2026-000001: $189.00"),
    ],
)
async def test_a_paper_comes_once_with_its_file(
    office: Office, catcher: Catcher, kind: PaperKind, subject: str
) -> None:
    event = issued(kind)
    for _ in range(2):
        await office.deliver(event)
        await office.work()
    mail = await catcher.mail(to="ada@example.org")
    assert mail["subject"] == subject
    assert "https://mdh.example/bookings/61" in mail["text"]
    assert await attached(catcher, mail) == ("application/pdf", f"{event.number}.pdf", pdf_of(event.paper))
    sent = await office.only()
    assert (sent.status, sent.attempts, sent.attachment) == (Status.SENT, 1, None)


async def test_the_file_bears_the_name_that_its_customer_gave(office: Office, catcher: Catcher) -> None:
    event = issued().model_copy(update={"billed_to": "Moss & Sons LLC\n1 Mill Road"})
    await office.deliver(event)
    await office.work()
    _, _, file = await attached(catcher, await catcher.mail(to="ada@example.org"))
    assert file == pdf_of(event.paper.to(["Moss & Sons LLC", "1 Mill Road"]))
    assert file != pdf_of(event.paper)


async def test_a_copy_that_was_sent_again_is_the_same_to_the_byte(office: Office, catcher: Catcher) -> None:
    await catcher.script(action="drop", stored=True)
    await office.deliver(issued())
    await office.work()
    await catcher.http.delete("/api/script")
    await office.wait()
    await office.work()
    raws = [(await catcher.http.get(f"/api/mails/{mail['id']}")).json()["raw"] for mail in await catcher.mails()]
    assert (len(raws), len(set(raws))) == (2, 1)
    assert isinstance((await office.only()).message_id, str)


async def test_who_is_not_known_yet_gets_it_as_soon_as_they_are(office: Office, catcher: Catcher) -> None:
    await office.deliver(issued(customer_id=8))
    await office.work()
    assert await catcher.mails() == []
    await office.deliver(person(user_id=1008, customer_id=8, email="bob@example.org"))
    await office.work()
    assert (await attached(catcher, await catcher.mail(to="bob@example.org")))[0] == "application/pdf"


async def test_who_is_erased_gets_nothing_and_nothing_of_it_stays(office: Office, catcher: Catcher) -> None:
    await office.deliver(issued())
    async with office.database.begin() as session:
        erasure = ErasureRequested(erasure_id=1, version=2, user_id=CUSTOMER_USER, customer_id=CUSTOMER)
        await personal.erase_personal_data(erasure, session)
    await office.deliver(issued(PaperKind.CREDIT_NOTE))
    await office.work()
    assert await catcher.mails() == []
    assert (await office.only()).attachment is None


def test_the_same_paper_is_the_same_bytes_after_its_way_through_json() -> None:
    event: InvoiceIssued = issued()
    there = Paper.model_validate_json(event.paper.model_dump_json())
    assert pdf_of(there) == pdf_of(event.paper)
