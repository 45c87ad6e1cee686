"""Invited by mail, joined, removed again: through the gateway, the mail read from the catcher."""

import httpx

from deploy.local.demo.http import ask, until
from deploy.local.demo.outside import newest_letter
from deploy.local.demo.people import token_in

from ..running import PATIENCE, RunningSystem, Shop

WITHIN = 60.0  # seconds
INVITES = "invites you to its team"


async def test_who_is_invited_joins_and_whose_work_ends_is_shut_out_within_a_minute(
    system: RunningSystem, http: httpx.AsyncClient, shop: Shop
) -> None:
    team = f"/identity/v1/affiliates/{shop.affiliate['id']}"
    tom = await system.person(http, "affiliate")
    await shop.owner.refresh()
    await shop.owner.post(f"{team}/invitations", {"email": tom.email, "role": "technician"})
    mail = system.site.mail
    letter = await until("the invitation", lambda: newest_letter(http, mail, tom.email, INVITES), PATIENCE)
    assert letter["subject"] == f"{shop.affiliate['name']} {INVITES}"
    joined = await tom.post("/identity/v1/invitations/accept", {"token": token_in(letter)}, expect=200)
    assert joined == {"affiliate_id": shop.affiliate["id"], "role": "technician"}

    await tom.refresh()
    members = (await tom.get(f"{team}/members"))["items"]
    assert [(one["email"], one["role"]) for one in members] == [
        (shop.owner.email, "owner"), (tom.email, "technician"),
    ]  # fmt: skip

    tom_id = (await tom.me())["id"]
    await shop.owner.ask("DELETE", f"{team}/members/{tom_id}", expect=204)

    async def shut_out() -> bool | None:
        answer = await http.get("/booking/v1/bookings", headers={"Authorization": f"Bearer {tom.token}"})
        assert answer.status_code in (200, 401)
        return answer.status_code == 401 or None

    await until("the token is refused", shut_out, WITHIN)
    await tom.refresh()
    await ask(http, "GET", f"{team}/members", headers={"Authorization": f"Bearer {tom.token}"}, expect=404)


async def test_a_customer_keeps_an_address_a_vehicle_and_their_word(
    system: RunningSystem, http: httpx.AsyncClient
) -> None:
    ada, me = await system.person(http, "customer"), "/identity/v1/me"
    changed = {"full_name": "Ada Brook", "timezone": "America/Phoenix", "phone": "+15205550100"}
    assert (await ada.ask("PATCH", me, json=changed)).headers["ETag"] == '"2"'
    home = {"label": "Home", "line1": "1 Main St", "zip": "85701", "access_notes": "Gate code 4711"}
    car = {"year": 2021, "make": "Subaru", "model": "Outback", "size_class": "wagon"}
    saved = await ada.post(f"{me}/addresses", home)
    assert (saved["city"], saved["state"], saved["is_default"]) == ("Tucson", "AZ", True)
    assert (await ada.post(f"{me}/vehicles", car))["size_class"] == "wagon"
    said = await ada.ask("PUT", f"{me}/consents/marketing", json={"email": True, "sms": False, "wording": "1"})
    assert said.json()["email"]
    [history] = (await ada.get(f"{me}/consents/marketing/history"))["items"]
    assert (history["channel"], history["granted"], history["wording"]) == ("email", True, "1")
