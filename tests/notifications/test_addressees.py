"""Mail to whoever reads an address, and the secrets in it: with the mail and nowhere else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from services.notifications.clients import MailServer
from services.notifications.domain.kinds import Kind
from services.notifications.domain.message import Status
from services.notifications.links import link_of
from shared.auth import Actor
from shared.contracts.identity import EmailChanged, PasswordChanged, UserChanged, UserClosed
from shared.events import Event
from shared.testing.plugin import Deliver, Headers
from shared.testing.servers import free_ports
from shared.testing.tokens import ADMIN
from tests.mail.process import Catcher
from tests.notifications.conftest import (
    SECRET,
    Office,
    change_requested,
    changed,
    logged,
    mail_settings,
    person,
    repeated,
    reset_requested,
    security,
    verification,
)

KEPT = text("select to_email, to_name, secret from communications")
EVERYTHING = text(
    "select string_agg(c::text, '') || coalesce((select string_agg(n::text, '') from notifications n), '')"
    " || coalesce((select string_agg(w::text, '') from waiting_notices w), '')"
    " || coalesce((select string_agg(t::text, '') from tasks t), '') from communications c"
)


async def kept(office: Office) -> str:
    async with office.database.begin() as session:
        return str(await session.scalar(EVERYTHING))


async def test_a_mail_to_an_address_that_is_nobodys_has_a_link_with_the_secret(
    office: Office, catcher: Catcher
) -> None:
    await office.deliver(verification())
    await office.work()
    mail = await catcher.mail(to="kim@example.org")
    assert mail["text"].startswith("Hello,\n\n")
    link = f"https://mdh.example/identity/v1/pages/verify-email?token={SECRET}"
    assert f"Verify this address: {link}" in mail["text"]
    assert f'<a href="{link}"' in mail["html"]
    assert (await office.only()).status is Status.SENT


async def test_the_owner_of_a_known_address_is_told_by_name(office: Office, catcher: Catcher) -> None:
    await office.deliver(repeated())
    await office.work()
    assert (await catcher.mail(to="kim@example.org"))["text"].startswith("Hello Kim Lane,\n\n")


@pytest.mark.parametrize("answer", ["250", "550"])
async def test_when_nothing_more_is_sent_neither_secret_nor_address_is_kept(
    office: Office, catcher: Catcher, answer: str
) -> None:
    if answer == "550":
        await catcher.script(action="reply", code=550)
    await office.deliver(verification())
    assert SECRET in await kept(office)
    await office.work()
    assert (await office.only()).status is (Status.SENT if answer == "250" else Status.FAILED)
    assert SECRET not in await kept(office)
    async with office.database.begin() as session:
        assert (await session.execute(KEPT)).one() == (None, None, None)


async def test_a_mail_that_is_not_taken_is_tried_again_with_its_secret(office: Office, catcher: Catcher) -> None:
    await office.deliver(verification())
    await office.work(MailServer(mail_settings(smtp_port=free_ports(1)[0])))
    await office.wait()
    await office.work()
    assert SECRET in (await catcher.mail(to="kim@example.org"))["text"]
    assert SECRET not in await kept(office)


async def test_a_link_that_is_no_longer_good_is_not_sent(office: Office, catcher: Catcher) -> None:
    await office.deliver(verification(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    await office.work()
    assert await catcher.mails() == []
    assert await office.log() == [("email_verification", 2002, "skipped")]
    assert SECRET not in await kept(office)


async def test_told_twice_it_is_one_mail(office: Office, catcher: Catcher) -> None:
    for _ in range(2):
        await office.deliver(verification())
        await office.work()
    assert len(await catcher.mails()) == 1


async def test_nobody_reads_a_secret_over_http(
    client: httpx.AsyncClient, deliver: Deliver, as_: Callable[[Actor], Headers]
) -> None:
    await deliver(verification())
    for actor in (ADMIN, Actor(user_id=2002)):
        for path in ("communications", "notifications"):
            answer = await client.get(f"/notifications/v1/{path}", headers=as_(actor))
            assert answer.status_code == 200
            assert SECRET not in answer.text
            assert len(answer.json()["items"]) == (path == "communications")


async def test_mail_that_asks_is_no_notice_in_the_app(office: Office) -> None:
    await office.deliver(verification())
    async with office.database.begin() as session:
        assert len(await logged(session)) == 1
        assert await session.scalar(text("select count(*) from notifications")) == 0


async def test_links_lead_to_the_front_end_where_there_is_one(office: Office) -> None:
    await office.deliver(verification())
    settings = mail_settings(public_url="https://api.mdh.example", frontend_url="https://mdh.example/")
    assert link_of(settings, await office.only()).url == f"https://mdh.example/verify-email?token={SECRET}"


@pytest.mark.parametrize(("kind", "page"), [(Kind.EXPORT_READY, "fetch-export"), (Kind.ERASURE_ACCEPTED, "erasure")])
async def test_links_to_somebodys_data_have_their_secret_in_the_query_of_a_page(
    office: Office, kind: Kind, page: str
) -> None:
    """A path stands in logs."""
    await office.deliver(verification())
    communication = await office.only()
    communication.notice = kind
    settings = mail_settings(public_url="https://api.mdh.example")
    assert link_of(settings, communication).url == f"https://api.mdh.example/identity/v1/pages/{page}?token={SECRET}"


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (reset_requested(), {("ada@example.org", "A new password for your account")}),
        (security(PasswordChanged), {("ada@example.org", "Your password was changed")}),
        (
            change_requested(),
            {
                ("new@example.org", "Is this your new e-mail address?"),
                ("ada@example.org", "Another e-mail address was asked for"),
            },
        ),
        (changed(), {("ada@example.org", "Your e-mail address was changed")}),
        (security(UserClosed), {("ada@example.org", "Your account is closed")}),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
async def test_what_happens_to_an_account_is_told_where_it_matters(
    office: Office, catcher: Catcher, event: Event, said: set[tuple[str, str]]
) -> None:
    """Whatever the contact says by then: it may have moved, or be gone."""
    if isinstance(event, EmailChanged | UserClosed):
        await office.deliver(person(UserChanged, 9, email="new@example.org"))
    for _ in range(2):
        await office.deliver(event)
        await office.work()
    mails = await catcher.mails()
    assert {(mail["to"][0], mail["subject"]) for mail in mails} == said
    assert len(mails) == len(said)
    assert SECRET not in await kept(office)


async def test_links_lead_to_the_page_of_their_purpose(office: Office, catcher: Catcher) -> None:
    for event in (reset_requested(), change_requested()):
        await office.deliver(event)
    await office.work()
    for to, subject, page in (
        ("ada@example.org", "A new password", "reset-password"),
        ("new@example.org", "Is this your new", "confirm-email"),
    ):
        assert f"/identity/v1/pages/{page}?token={SECRET}" in (await catcher.mail(to=to, subject=subject))["text"]


async def test_the_notice_to_the_old_address_has_no_secret(office: Office, catcher: Catcher) -> None:
    await office.deliver(change_requested())
    await office.work()
    notice = await catcher.mail(to="ada@example.org")
    assert SECRET not in notice["raw"]
    assert "new@example.org" not in notice["raw"]


async def test_who_was_erased_meanwhile_is_written_to_no_more(office: Office) -> None:
    await office.deliver(verification(email=""))
    assert await office.log() == []
