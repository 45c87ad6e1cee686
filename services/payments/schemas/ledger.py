"""What affiliates are to be paid."""

from shared.http import View


class BalanceView(View):
    """What an affiliate is to be paid, in cents; below nothing, what it owes."""

    currency: str
    payable_cents: int


class BalancesView(View):
    items: list[BalanceView]
