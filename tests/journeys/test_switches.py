"""What an administrator switches reaches the services that run, and back."""

from secrets import token_hex

import httpx

from deploy.local.demo.http import until

from ..running import PATIENCE, RunningSystem

CONFIG = "/catalog/v1/config"


async def test_registration_is_closed_and_opened_while_everything_runs(
    system: RunningSystem, http: httpx.AsyncClient
) -> None:
    admin = await system.admin(http)

    async def switch(on: bool) -> None:
        await admin.ask("PATCH", CONFIG, json={"features": {"registration": on}})

        async def follows() -> bool | None:
            wanted = {"account": "customer", "email": f"ada-{token_hex(4)}@example.com", "password": token_hex(12)}
            answer = await http.post("/identity/v1/register", json=wanted | {"full_name": "Ada Marsh"})
            assert answer.status_code in (202, 403), answer.text
            return (answer.status_code == 202) is on or None

        await until(f"registration on: {on}", follows, PATIENCE)

    try:
        await switch(False)
    finally:
        await switch(True)
