"""Money is a whole number of cents and an ISO 4217 code; a rate is a whole number of basis points (1/100 %)."""

SYMBOLS = {"USD": "$"}


def share(amount_cents: int, basis_points: int) -> int:
    """The part of an amount that a rate takes, rounded half up to the cent; the rest is the amount less this."""
    return (amount_cents * basis_points + 5_000) // 10_000


def shown(cents: int, currency: str) -> str:
    """`$1,234.50`, or with the code behind where there is no sign: `1,234.50 EUR`."""
    amount = f"{abs(cents) // 100:,}.{abs(cents) % 100:02}"
    sign, symbol = "-" if cents < 0 else "", SYMBOLS.get(currency)
    return f"{sign}{symbol}{amount}" if symbol else f"{sign}{amount} {currency}"
