"""What came of a call that was never answered, found by our reference in the metadata.

A list shows at once what was made, but of thousands a day it is long. A search is one request, but may be behind: the
provider says less than a minute as a rule, an hour at most. So what may be older than that is searched for, and of the
list only what is younger is read. Setups cannot be searched for, their customers can.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import stripe

from shared.clock import now

from .domain.provider import Intent, RefusedByProvider, Setup
from .objects import REFERENCE, intent_of, setup_of
from .refusals import in_our_words

TOLERANCE = 300  # seconds that clocks may differ, and that a webhook's time may lie in the past or the future
PAGE = 100
SEARCH_IS_BEHIND = timedelta(hours=1)


class Lookups:
    _stripe: stripe.V1Services

    async def find_intent(self, reference: UUID, *, since: datetime) -> Intent | None:
        """As it is now: what was searched for is asked for once more."""
        of = self._stripe.payment_intents
        if listed := await self._listed(of, reference, _young(since)):
            return intent_of(listed)
        if (found := await self._searched(of, reference, since)) is None:
            return None
        with in_our_words():
            return intent_of((await of.retrieve_async(found["id"])).to_dict())

    async def find_setup(self, reference: UUID, *, since: datetime, customer_id: str | None = None) -> Setup | None:
        """Of the `customer_id` that it was made for, or else of one that was made for it."""
        of = self._stripe.setup_intents
        if listed := await self._listed(of, reference, _young(since)):
            return setup_of(listed)
        if customer_id is None and (made := await self._searched(self._stripe.customers, reference, since)):
            customer_id = str(made["id"])
        if customer_id is None:
            return None
        listed = await self._listed(of, reference, since, customer=customer_id)
        return setup_of(listed) if listed else None

    async def find_customer(self, reference: UUID, *, since: datetime) -> str | None:
        of = self._stripe.customers
        found = await self._listed(of, reference, _young(since)) or await self._searched(of, reference, since)
        return str(found["id"]) if found else None

    async def _listed(self, of: Any, reference: UUID, since: datetime, **narrow: str) -> dict[str, Any] | None:
        params = {"created": {"gte": int(since.timestamp()) - TOLERANCE}, "limit": PAGE, **narrow}
        with in_our_words():
            page = await of.list_async(params)
            async for listed in page.auto_paging_iter():
                told: dict[str, Any] = listed.to_dict()
                if (told.get("metadata") or {}).get(REFERENCE) == str(reference):
                    return told
        return None

    async def _searched(self, of: Any, reference: UUID, since: datetime) -> dict[str, Any] | None:
        """Only for what may be older than what was listed. Where there is no search, all of the list is read."""
        if _young(since) == since:
            return None
        try:
            with in_our_words():
                page = await of.search_async({"query": f"metadata['{REFERENCE}']:'{reference}'", "limit": 1})
        except RefusedByProvider:
            return await self._listed(of, reference, since)
        return next((found.to_dict() for found in page.data), None)


def _young(since: datetime) -> datetime:
    """From when on a list is read: searches may not know yet what is younger."""
    return max(since, now() - SEARCH_IS_BEHIND)
