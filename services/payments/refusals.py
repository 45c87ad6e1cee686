"""What the library raises, in our words."""

from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from .domain.provider import KeySpoilt, RefusedByProvider, Unanswered


@contextmanager
def in_our_words() -> Iterator[None]:
    try:
        yield
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        raise RefusedByProvider(error.code or "invalid_request", error.user_message or str(error)) from error
    except stripe.StripeError as error:
        # A repeated failure is one that the provider has stored under the key; it would come back for 24 hours.
        if (error.http_status or 0) >= 500 and (error.headers or {}).get("idempotent-replayed") == "true":
            raise KeySpoilt(repr(error)) from error
        raise Unanswered(repr(error)) from error
