"""The sandbox as a client of it sees it: through the official library, and through plain HTTP."""

from typing import Any

import httpx
import stripe

from deploy.local.stripe.ledger import COUNTED, SUMS

from .process import SECRET_KEY


class Driver:
    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.AsyncClient(base_url=url, timeout=20)
        self.library_http = stripe.HTTPXClient(timeout=20)
        self.stripe = stripe.StripeClient(
            SECRET_KEY, base_addresses={"api": url}, http_client=self.library_http, max_network_retries=0
        ).v1

    async def close(self) -> None:
        await self.http.aclose()
        await self.library_http.close_async()  # type: ignore[no-untyped-call]

    async def post(self, path: str, key: str | None = None, **fields: Any) -> httpx.Response:
        """A call as its bytes go over the wire: fields as they are named there."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self.http.post(path, data=fields, headers=headers, auth=(SECRET_KEY, ""))

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.http.get(path, params=query, auth=(SECRET_KEY, ""))

    async def intent(self, amount: int = 5000, **more: Any) -> stripe.PaymentIntent:
        params: Any = {"amount": amount, "currency": "usd", "payment_method_types": ["card"], **more}
        return await self.stripe.payment_intents.create_async(params)

    async def paid(self, amount: int = 5000, **more: Any) -> stripe.PaymentIntent:
        return await self.intent(amount, **{"confirm": True, "payment_method": "pm_card_visa", **more})

    async def confirm(self, intent: str, card: str = "pm_card_visa", **more: Any) -> stripe.PaymentIntent:
        params: Any = {"payment_method": card, **more}
        return await self.stripe.payment_intents.confirm_async(intent, params)

    async def control(self, method: str, path: str, **body: Any) -> Any:
        response = await self.http.request(method, f"/_sandbox/{path}", json=body)
        response.raise_for_status()
        return response.json() if response.content else None

    async def break_next(self, kind: str, mode: str, **more: Any) -> None:
        await self.control("POST", "faults", kind=kind, mode=mode, **more)

    async def totals(self, intent: str) -> dict[str, Any]:
        """What the sandbox's own ledger says of an intent; zeros when no money moved."""
        ledger = (await self.http.get("/_sandbox/ledger", params={"payment_intent": intent})).json()
        nothing = dict.fromkeys((*COUNTED, *SUMS, "net"), 0)
        return ledger["payment_intents"][0] if ledger["payment_intents"] else nothing
