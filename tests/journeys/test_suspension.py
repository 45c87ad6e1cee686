"""Suspended at identity, shut out everywhere: through the gateway, against the processes that a user runs."""

import httpx
import pytest

from deploy.local.demo.http import Unexpected, until

from ..running import RunningSystem

WITHIN = 60.0  # seconds
BOOKINGS = "/booking/v1/bookings"


async def test_a_good_token_is_refused_at_booking_within_a_minute(
    system: RunningSystem, http: httpx.AsyncClient
) -> None:
    admin, person = await system.admin(http), await system.person(http, "customer")
    user_id = (await person.me())["id"]
    assert (await person.get(BOOKINGS))["items"] == []
    reason = {"reason": "Abuse of the chat."}
    await admin.post(f"/identity/v1/users/{user_id}/suspend", reason, expect=200)

    async def shut_out() -> bool | None:
        answer = await http.get(BOOKINGS, headers={"Authorization": f"Bearer {person.token}"})
        assert answer.status_code in (200, 401)
        return answer.status_code == 401 or None

    await until("the token is refused", shut_out, WITHIN)
    with pytest.raises(Unexpected, match="came 403"):
        await person.log_in()
