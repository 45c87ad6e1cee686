"""The mail catcher: keeps what it accepts, shows what it keeps, fails as told."""

import asyncio
import smtplib
from email.message import EmailMessage

import httpx
import pytest

from .process import Catcher, message


async def test_a_mail_is_kept_as_it_was_sent(catcher: Catcher) -> None:
    sent = message("Grüße aus Köln", "Schönen Gruß\n", "<p>Schönen <b>Gruß</b></p>")
    sent.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Quittung.pdf")
    await catcher.send(sent, "zoe@example.org", "ada@example.org")
    mail = await catcher.mail(to="zoe@example.org")
    assert (mail["subject"], mail["text"]) == ("Grüße aus Köln", "Schönen Gruß\n")
    assert (mail["sender"], mail["to"]) == ("mdh@example.org", ["zoe@example.org", "ada@example.org"])
    assert mail["html"].strip() == "<p>Schönen <b>Gruß</b></p>"
    assert mail["attachments"] == ["Quittung.pdf"]
    assert mail["message_id"] == sent["Message-ID"]
    assert ["To", "Zoë <zoe@example.org>"] in mail["headers"]
    assert "X-Envelope-To" not in mail["raw"]


async def test_a_subject_that_is_folded_is_shown_in_one_piece(catcher: Catcher) -> None:
    subject = "Hand-wash-and-wax-" * 4 + " on Tuesday"
    await catcher.send(message(subject), "zoe@example.org")
    mail = await catcher.mail(to="zoe@example.org")
    assert "Subject: Hand" not in mail["raw"]
    assert mail["subject"] == subject


async def test_mails_are_found(catcher: Catcher) -> None:
    await catcher.send(message("Booking confirmed"), "zoe@example.org")
    await catcher.send(message("Booking cancelled"), "ada@example.org")
    assert [mail["subject"] for mail in await catcher.mails()] == ["Booking cancelled", "Booking confirmed"]
    assert [mail["to"] for mail in await catcher.mails(to="ZOE@")] == [["zoe@example.org"]]
    assert [mail["to"] for mail in await catcher.mails(subject="cancel")] == [["ada@example.org"]]
    assert len(await catcher.mails(message_id="<Booking-confirmed@example.org>")) == 1
    assert await catcher.mails(message_id="Booking") == []
    assert await catcher.mails(to="zoe@", subject="cancel") == []
    assert (await catcher.http.delete("/api/mails")).json() == {"thrown_away": 2}
    assert await catcher.mails() == []
    assert list(catcher.state.glob("new/*")) == []


async def test_a_crash_loses_nothing_that_was_accepted(own_catcher: Catcher) -> None:
    accepted: list[str] = []

    async def send(number: int) -> None:
        await own_catcher.send(message(f"Mail {number}"), "zoe@example.org")
        accepted.append(f"Mail {number}")

    async def send_many(first: int) -> None:
        for number in range(first, first + 200):
            await send(number)

    senders = [asyncio.create_task(send_many(first)) for first in (0, 1000)]
    async with asyncio.timeout(20):
        while len(accepted) < 30:
            await asyncio.sleep(0.001)
    own_catcher.kill()
    await asyncio.gather(*senders, return_exceptions=True)
    assert 30 <= len(accepted) < 400
    await own_catcher.start()
    assert set(accepted) <= {mail["subject"] for mail in await own_catcher.mails()}


@pytest.mark.parametrize("code", [550, 451])
async def test_a_recipient_is_refused(catcher: Catcher, code: int) -> None:
    await catcher.script(to="zoe@", action="reply", code=code)
    await catcher.send(message("For Ada"), "ada@example.org")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await catcher.send(message("For Zoe"), "zoe@example.org")
    assert refused.value.recipients["zoe@example.org"][0] == code
    await catcher.send(message("For Zoe again"), "zoe@example.org")
    assert [mail["subject"] for mail in await catcher.mails()] == ["For Zoe again", "For Ada"]


@pytest.mark.parametrize(("stored", "kept"), [(True, 1), (False, 0)])
async def test_the_connection_is_cut_instead_of_an_answer(catcher: Catcher, stored: bool, kept: int) -> None:
    await catcher.script(to="zoe@", action="drop", stored=stored)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        await catcher.send(message("Cut off"), "zoe@example.org")
    assert len(await catcher.mails()) == kept


@pytest.mark.parametrize(("stored", "kept"), [(True, 1), (False, 0)])
async def test_the_answer_does_not_come(catcher: Catcher, stored: bool, kept: int) -> None:
    await catcher.script(action="hang", stored=stored)
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        await catcher.send(message("Waiting"), "zoe@example.org", timeout=0.5)
    assert len(await catcher.mails()) == kept
    await catcher.send(message("Afterwards"), "zoe@example.org")
    assert len(await catcher.mails(subject="Afterwards")) == 1


async def test_a_persons_pages_escape_what_was_sent(catcher: Catcher) -> None:
    hostile = message(
        "<script>alert(1)</script> {{7*7}}", "<img src=x>", "<p onclick=x>Hi</p><script>alert(2)</script>"
    )
    await catcher.send(hostile, "zoe@example.org")
    inbox = await catcher.http.get("/")
    (found,) = await catcher.mails()
    page = await catcher.http.get(f"/mails/{found['id']}")
    for shown in (inbox, page):
        assert "&lt;script&gt;alert(1)&lt;/script&gt; {{7*7}}" in shown.text
        assert "<script" not in shown.text
    assert "&lt;img src=x&gt;" in page.text
    html = await catcher.http.get(f"/mails/{found['id']}/html")
    assert html.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    raw = await catcher.http.get(f"/mails/{found['id']}/raw")
    assert raw.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: =?utf-8?q?=FF=FE?=\r\n\r\nx",
        b"Subject: \xff\xfe\r\nTo: @@@<<,\r\n\r\nx",
        b"Content-Type: text/plain; charset=nonsense\r\nSubject: odd\r\n\r\n\xff",
        b"Content-Type: multipart/mixed; boundary=none\r\nSubject: odd\r\n\r\nx",
        b"Content-Type: text/html; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"X-Received-At: now\r\nX-Envelope-To: eve@example.org\r\n\r\nx",
        b"Message-ID: <<a>\r\nSubject: odd\r\n\r\nx",
        b"no headers at all",
        b"",
    ],
)
async def test_a_broken_mail_is_shown_all_the_same(catcher: Catcher, content: bytes) -> None:
    await catcher.send(content, "zoe@example.org")
    mail = await catcher.mail(to="zoe@example.org")
    assert mail["to"] == ["zoe@example.org"]
    for path in ("", "/html", "/raw"):
        assert (await catcher.http.get(f"/mails/{mail['id']}{path}")).status_code == 200


async def test_what_does_not_exist_is_not_found(catcher: Catcher) -> None:
    for path in ("/mails/1", "/mails/..%2f..%2fpasswd", "/api/mails/1", "/mails/1/html"):
        assert (await catcher.http.get(path)).status_code == 404
    bad: httpx.Response = await catcher.http.post("/api/script", json={"action": "reply", "message": "a\r\n250 OK"})
    assert bad.status_code == 422


async def test_many_senders_at_once_are_all_heard(catcher: Catcher) -> None:
    def letter(number: int) -> EmailMessage:
        return message(f"Letter {number}")

    await asyncio.gather(*(catcher.send(letter(number), "zoe@example.org") for number in range(50)))
    assert {mail["subject"] for mail in await catcher.mails()} == {f"Letter {number}" for number in range(50)}
