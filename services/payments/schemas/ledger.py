"""What affiliates are to be paid."""

from shared.http import View


class BalanceView(View):
    """What an affiliate is to be paid, in cents; below nothing, what it owes. `held_back_cents` of it are not paid out
    before the disputes have ended that may take them."""

    currency: str
    payable_cents: int
    held_back_cents: int


class BalancesView(View):
    items: list[BalanceView]
