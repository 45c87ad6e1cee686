"""What the provider is answered."""

from typing import Literal

from shared.http import View


class WebhookView(View):
    """The event is stored; that is all the provider needs to know."""

    received: Literal[True] = True
