"""What customers give on top."""

from shared.http import Body, Cents


class TipRequest(Body):
    amount_cents: Cents
