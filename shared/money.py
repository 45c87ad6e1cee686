"""Money is a whole number of cents and an ISO 4217 code; a rate is a whole number of basis points (1/100 %)."""


def share(amount_cents: int, basis_points: int) -> int:
    """The part of an amount that a rate takes, rounded half up to the cent; the rest is the amount less this."""
    return (amount_cents * basis_points + 5_000) // 10_000
