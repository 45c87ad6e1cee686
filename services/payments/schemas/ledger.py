"""What affiliates are to be paid."""

from pydantic import Field

from shared.http import View


class BalanceView(View):
    """What an affiliate is to be paid, in cents; below nothing, what it owes. `held_back_cents` of it are not paid out
    before the disputes have ended that may take them. The rest waits for the end of its hold."""

    currency: str
    payable_cents: int
    held_back_cents: int
    under_way_cents: int = Field(description="a payout that has not arrived yet")
    due_cents: int = Field(description="what goes with the next payout if it is made now and comes to the minimum")
    held_because: str | None = Field(description="why nothing is paid out at present: the affiliate was suspended")


class BalancesView(View):
    items: list[BalanceView]
