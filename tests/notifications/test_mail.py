"""E-mails on a real mail server: sent once, tried again, refused, no longer true, sent again after a crash."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from services.notifications import tasks as service_tasks
from services.notifications.clients import MailServer, Undeliverable
from services.notifications.connections import Connection, Connections
from services.notifications.domain.addressee import Addressee
from services.notifications.domain.message import Communication, Status
from services.notifications.domain.people import Contact
from shared.contracts.booking import BookingCancelled, BookingConfirmed, QuotePriced, QuoteWithdrawn
from shared.contracts.catalog import AffiliateChanged
from shared.contracts.identity import UserChanged
from shared.contracts.payments import EvidenceDue, PaymentRefunded
from shared.testing.plugin import until
from shared.testing.servers import free_ports
from tests.mail.process import Catcher
from tests.notifications.conftest import (
    CUSTOMER_USER,
    Office,
    affiliate,
    booking,
    dispute,
    mail_settings,
    owner,
    payment,
    person,
    quote,
    reused,
)

CONFIRMED = booking(BookingConfirmed, 2, "confirmed")
CANCELLED = booking(BookingCancelled, 3, "cancelled", refund_cents=18_900, cancelled_by="customer", reason="")
REFUNDED = payment(PaymentRefunded, 4, "refunded", refund_cents=18_900)


async def test_a_notice_arrives_as_text_and_html_with_all_that_a_mail_needs(office: Office, catcher: Catcher) -> None:
    await office.deliver(CONFIRMED)
    await office.work()
    mail, sent = await catcher.mail(to="ada@example.org"), await office.only()
    headers = {name.lower(): value for name, value in mail["headers"]}
    assert headers["from"] == "MDH <no-reply@mdh.example>"
    assert headers["to"] == "Ada Moreno <ada@example.org>"
    assert headers["subject"] == "Confirmed: Full detail on Saturday, June 1, 2199 at 9:00 AM EDT"
    assert headers["auto-submitted"] == "auto-generated"
    assert mail["sender"] == "no-reply@mdh.example"
    assert mail["message_id"] == sent.message_id
    assert str(sent.message_id).startswith(f"<communication.{sent.id}.")
    assert mail["text"].startswith("Hello Ada Moreno,\n\nYour appointment is confirmed: Full detail (Gold) on")
    for part in (mail["text"], mail["html"]):
        assert "$189.00" in part
        assert "https://mdh.example/bookings/61" in part
    assert (sent.status, sent.attempts, sent.version) == (Status.SENT, 1, 3)
    assert sent.sent_at is not None
    assert await office.tasks_left() == []


async def test_staff_have_a_mail_when_evidence_is_due_where_an_address_is_configured(
    office: Office, catcher: Catcher
) -> None:
    await office.deliver(dispute("needs_response", 2, EvidenceDue))
    await office.work(MailServer(mail_settings(smtp_port=catcher.smtp_port, staff_email="desk@mdh.example")))
    mail, sent = await catcher.mail(to="desk@mdh.example"), await office.only()
    assert mail["subject"] == "Evidence is due Monday, January 7, 2030 at 11:59 PM UTC: dispute 9, $50.00"
    assert "booking 61 of affiliate 31" in mail["text"]
    assert (sent.notice, sent.status, sent.to_user_id, sent.to_email) == ("evidence_wanted", Status.SENT, None, None)
    await office.deliver(dispute("needs_response", 3, EvidenceDue))
    await office.work()
    assert [status for _, _, status in await office.log()] == ["sent", "skipped"]
    assert len(await catcher.mails()) == 1


async def test_no_transaction_is_open_while_the_mail_server_is_talked_to(office: Office) -> None:
    held: list[int] = []

    class Watching(MailServer):
        async def send(self, communication: Communication, contact: Contact | Addressee) -> None:
            async with office.database.begin() as session:
                idle = "state = 'idle in transaction' and datname = current_database() and pid != pg_backend_pid()"
                held.append(await session.scalar(text(f"select count(*) from pg_stat_activity where {idle}")) or 0)  # noqa: S608

    await office.deliver(CONFIRMED)
    await office.work(Watching(mail_settings()))
    assert held == [0]
    assert (await office.only()).status is Status.SENT


async def test_a_confirmation_of_what_was_cancelled_meanwhile_is_not_sent(office: Office, catcher: Catcher) -> None:
    await office.deliver(CONFIRMED)
    await office.deliver(CANCELLED)
    await office.deliver(REFUNDED)
    await office.work()
    assert {mail["subject"].split(":")[0] for mail in await catcher.mails()} == {
        "Cancelled",
        "$189.00 goes back to you",
    }
    assert await office.log() == [
        ("booking_confirmed", CUSTOMER_USER, "skipped"),
        ("booking_cancelled", CUSTOMER_USER, "sent"),
        ("payment_refunded", CUSTOMER_USER, "sent"),
    ]
    assert await office.tasks_left() == []


async def test_a_price_that_was_replaced_or_given_up_before_the_mail_left_is_not_sent(
    office: Office, catcher: Catcher
) -> None:
    await office.deliver(quote(QuotePriced, 2, "priced"))
    await office.deliver(quote(QuotePriced, 3, "priced", price_cents=9_900))
    await office.work()
    mail = await catcher.mail()
    assert mail["subject"] == "A price for Full detail: $99.00"
    assert "https://mdh.example/quotes/91" in mail["text"]
    await office.deliver(quote(QuotePriced, 4, "priced"))
    await office.deliver(quote(QuoteWithdrawn, 5, "withdrawn"))
    await office.work()
    assert [status for _, _, status in await office.log()] == ["skipped", "sent", "skipped"]


async def test_an_appointment_cancelled_between_two_tries_is_not_confirmed(office: Office, catcher: Catcher) -> None:
    await catcher.script(action="reply", code=451)
    await office.deliver(CONFIRMED)
    await office.work()
    await office.deliver(CANCELLED)
    await office.wait()
    await office.work()
    assert [kind for kind, _, status in await office.log() if status == "sent"] == ["booking_cancelled"]
    assert len(await catcher.mails()) == 1


async def test_an_approval_that_was_taken_back_is_not_sent(office: Office, catcher: Catcher) -> None:
    await office.deliver(owner())
    await office.deliver(affiliate())
    await office.deliver(affiliate(AffiliateChanged, 3, "suspended"))
    await office.work()
    assert await catcher.mails() == []
    assert (await office.only()).status is Status.SKIPPED


async def test_a_mail_refused_for_now_is_tried_again_after_a_pause(office: Office, catcher: Catcher) -> None:
    await catcher.script(action="reply", code=451, message="Greylisted", times=2)
    await office.deliver(CONFIRMED)
    assert await office.work() == 1  # one try, and no second without a pause
    assert (await office.only()).status is Status.QUEUED
    ((tries, error),) = await office.tasks_left()
    assert tries == 1
    assert "451" in str(error)
    for _ in range(2):
        await office.wait()
        await office.work()
    assert ((await office.only()).status, (await office.only()).attempts) == (Status.SENT, 3)
    assert len(await catcher.mails()) == 1


async def test_a_mail_refused_for_good_is_not_tried_again(office: Office, catcher: Catcher) -> None:
    await catcher.script(action="reply", code=550, message="No such user", times=1)
    await office.deliver(CONFIRMED)
    await office.work()
    failed = await office.only()
    assert (failed.status, failed.error, failed.sent_at) == (Status.FAILED, "550 No such user", None)
    assert await office.tasks_left() == []
    assert await catcher.mails() == []


@pytest.mark.parametrize("code", [451, 550])
async def test_what_is_kept_of_a_refusal_does_not_say_whose_address_it_was(
    code: int, office: Office, catcher: Catcher
) -> None:
    await catcher.script(action="reply", code=code, message="ada@example.org is unknown here")
    await office.deliver(CONFIRMED)
    await office.work()
    kept = f"{await office.tasks_left()} {(await office.only()).error}"
    assert "(the recipient) is unknown here" in kept
    assert "ada@example.org" not in kept


async def test_a_mail_server_that_is_away_loses_nothing(office: Office, catcher: Catcher) -> None:
    away = MailServer(mail_settings(smtp_port=free_ports(1)[0]))
    await office.deliver(CONFIRMED)
    await office.work(away)
    assert (await office.only()).status is Status.QUEUED
    await office.wait()
    await office.work()
    assert (await office.only()).status is Status.SENT
    assert len(await catcher.mails()) == 1


@pytest.mark.parametrize(("stored", "copies"), [(True, 2), (False, 1)])
async def test_an_answer_lost_on_the_way_leads_to_a_copy_with_the_same_message_id(
    stored: bool, copies: int, office: Office, catcher: Catcher
) -> None:
    """SMTP cannot say whether it was taken: the second is the same message, byte for byte, and known as such."""
    await catcher.script(action="drop", stored=stored)
    await office.deliver(CONFIRMED)
    await office.work()
    assert (await office.only()).status is Status.QUEUED
    await office.wait()
    await office.work()
    mails = await catcher.mails()
    assert len(mails) == copies
    assert {mail["message_id"] for mail in mails} == {(await office.only()).message_id}
    raws = {(await catcher.http.get(f"/api/mails/{mail['id']}")).json()["raw"] for mail in mails}
    assert len(raws) == 1


async def test_a_crash_after_the_servers_answer_leads_to_a_copy_with_the_same_message_id(
    office: Office, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: Any) -> None:
        raise RuntimeError("killed")

    await office.deliver(CONFIRMED)
    with monkeypatch.context() as broken:
        broken.setattr(service_tasks, "_conclude", crash)
        await office.work()
    await office.wait()
    await office.work()
    assert {mail["message_id"] for mail in await catcher.mails()} == {(await office.only()).message_id}
    assert ((await office.only()).status, (await office.only()).attempts) == (Status.SENT, 2)


async def test_what_was_sent_is_not_sent_again(office: Office, catcher: Catcher) -> None:
    """A task that comes again although it was done, as after a crash before it was crossed off."""
    await office.deliver(CONFIRMED)
    await office.work()
    async with office.database.begin() as session:
        service_tasks.tasks.enqueue(session, service_tasks.send_email, communication_id=(await office.only()).id)
    assert await office.work() == 1
    assert len(await catcher.mails()) == 1


async def test_many_workers_send_each_mail_once(office: Office, catcher: Catcher) -> None:
    for id in range(1, 31):
        await office.deliver(booking(BookingConfirmed, 2, "confirmed", booking_id=id))
    await asyncio.gather(*(office.work() for _ in range(8)))
    mails = await catcher.mails()
    assert len(mails) == len({mail["message_id"] for mail in mails}) == 30


async def test_a_name_or_a_reason_cannot_become_a_header(office: Office, catcher: Catcher) -> None:
    """Neither in the subject nor in the address line, however it came to be stored."""
    await office.deliver(person(UserChanged, 2, full_name="Ada\r\nBcc: spy@example.org\r\n\r\n<b>Hi</b> {{7*7}}"))
    await office.deliver(
        booking(BookingConfirmed, 2, "confirmed", service_name="Wash\r\nX-Evil: 1\r\n\r\nBody", tier_name="\u202eGold")
    )
    await office.work()
    mail = await catcher.mail()
    names = {name.lower() for name, _ in mail["headers"]}
    assert not names & {"bcc", "x-evil"}
    assert mail["to"] == ["ada@example.org"]
    assert mail["subject"].strip().startswith("Confirmed: Wash X-Evil: 1 Body on")
    assert "{{7*7}}" in mail["text"]
    assert "&lt;b&gt;Hi&lt;/b&gt;" in mail["html"]
    assert "\u202e" not in mail["text"]


@pytest.mark.parametrize("email", ["ada@example.org\r\nBcc: spy@example.org", "no address", "a@b@c"])
async def test_an_impossible_address_fails_for_good(email: str, office: Office, catcher: Catcher) -> None:
    await office.deliver(person(UserChanged, 2, email=email))
    await office.deliver(CONFIRMED)
    await office.work()
    assert (await office.only()).status is Status.FAILED
    assert await catcher.mails() == []


async def test_mail_goes_to_the_address_that_is_known_when_it_is_sent(office: Office, catcher: Catcher) -> None:
    await office.deliver(CONFIRMED)
    await office.deliver(person(UserChanged, 2, email="new@example.org"))
    await office.work()
    assert [mail["to"] for mail in await catcher.mails()] == [["new@example.org"]]


async def test_names_in_other_scripts_arrive_as_they_are(office: Office, catcher: Catcher) -> None:
    await office.deliver(person(UserChanged, 2, full_name="Zoë Ångström 🚗"))
    await office.deliver(booking(BookingConfirmed, 2, "confirmed", service_name="Grün & blank"))
    await office.work()
    mail = await catcher.mail()
    assert mail["subject"].startswith("Confirmed: Grün & blank on")
    assert mail["text"].startswith("Hello Zoë Ångström 🚗,")
    assert "Grün &amp; blank" in mail["html"]


async def test_a_password_that_is_refused_is_not_the_messages_fault(
    office: Office, catcher: Catcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catcher knows no accounts: with a user set, signing in fails, and the mail is kept for later."""
    wrong = MailServer(mail_settings(smtp_port=catcher.smtp_port, smtp_user="mdh", smtp_password="wrong"))
    await office.deliver(CONFIRMED)
    await office.work(wrong)
    assert (await office.only()).status is Status.QUEUED
    await office.wait()
    await office.work()
    assert (await office.only()).status is Status.SENT


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    """The connections that were made to the mail server."""
    found: list[Connection] = []
    connect = Connections._open

    async def connect_and_note(these: Connections) -> Connection:
        found.append(await connect(these))
        return found[-1]

    monkeypatch.setattr(Connections, "_open", connect_and_note)
    return found


async def test_mails_that_follow_each_other_share_a_connection(
    office: Office, catcher: Catcher, opened: list[Connection]
) -> None:
    for id in range(3):
        await office.deliver(booking(BookingConfirmed, 2, "confirmed", booking_id=id + 1))
    await office.work()
    assert len(await catcher.mails()) == 3
    assert [connection.mails for connection in opened] == [3]


async def test_a_connection_that_the_server_ended_meanwhile_costs_no_try(
    office: Office, catcher: Catcher, opened: list[Connection]
) -> None:
    await office.deliver(CONFIRMED)
    await office.work()
    opened[0].smtp.close()
    await office.deliver(REFUNDED)
    await office.work()
    assert len(opened) == len(await catcher.mails()) == 2
    assert await office.tasks_left() == []


@pytest.mark.parametrize("what", [{"action": "reply", "code": 550}, {"action": "drop", "stored": False}])
async def test_a_connection_on_which_anything_went_wrong_is_not_used_again(
    office: Office, catcher: Catcher, opened: list[Connection], what: dict[str, Any]
) -> None:
    await catcher.script(**what, times=1)
    await office.deliver(CONFIRMED)
    await office.work()
    assert [connection.smtp.is_connected for connection in opened] == [False]
    await office.deliver(REFUNDED)
    await office.work()
    assert len(opened) == 2


async def test_a_connection_that_nobody_needs_is_ended(
    office: Office, opened: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notifications.connections.KEPT", 0)
    await office.deliver(CONFIRMED)
    await office.work()

    async def ended() -> bool:
        return not opened[0].smtp.is_connected

    await until(ended)


async def test_a_lease_that_ran_out_does_not_undo_what_another_worker_wrote_down(office: Office) -> None:
    """Two workers at one message: the slower one comes to conclude what is concluded."""
    await office.deliver(CONFIRMED)
    sent = (await office.only()).id

    class Overtaken(MailServer):
        async def send(self, communication: Communication, contact: Contact | Addressee) -> None:
            async with office.database.begin() as session:
                await service_tasks._conclude(session, sent, None)
            raise Undeliverable("550 too late")

    await office.work(Overtaken(mail_settings()))
    assert ((await office.only()).status, (await office.only()).error) == (Status.SENT, None)
    assert await office.tasks_left() == []


async def test_whose_session_was_stolen_hears_of_it_once(office: Office, catcher: Catcher) -> None:
    for _ in range(2):
        await office.deliver(reused())
    await office.work()
    mail = await catcher.mail(to="ada@example.org")
    assert mail["text"].startswith("Hello Ada Moreno,\n\nSomebody used an old session of yours from")
    assert await office.log() == [("session_reused", CUSTOMER_USER, Status.SENT)]
