"""How often somebody may try what can be guessed, or what costs others something."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network

from shared.errors import Refusal

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LONGEST_PAUSE = timedelta(minutes=15)


class TooManyAttempts(Refusal):
    """Too many attempts. Try again after as many seconds as Retry-After says."""

    status = 429


class Per(StrEnum):
    """Whose attempts are counted together: those from one network address, or those about one account, team, key."""

    ADDRESS = "address"
    SUBJECT = "subject"


@dataclass(frozen=True)
class Allowance:
    """`many` attempts `within` a time that begins with the first of them; then a pause until that time is over.

    With `longest`, each allowance used up makes the next pause twice as long, up to that; the first lasts `within`.
    What is tried in a pause counts for nothing. After `longest` without an attempt the pauses begin anew.
    `known_apart`: who signed in to this account from this address before has an allowance of their own, new with each
    time that they sign in, so that no stranger can use it up.
    """

    name: str
    per: Per
    many: int
    within: timedelta
    longest: timedelta = timedelta(0)
    known_apart: bool = False


Limit = Sequence[Allowance]

LOGIN: Limit = (
    Allowance("login address", Per.ADDRESS, 20, MINUTE, LONGEST_PAUSE),
    Allowance("login account", Per.SUBJECT, 5, MINUTE, LONGEST_PAUSE, known_apart=True),
    Allowance("login account long", Per.SUBJECT, 30, HOUR, known_apart=True),  # for who keeps just below the other
)
REGISTER: Limit = (Allowance("register address", Per.ADDRESS, 5, HOUR),)
RESET: Limit = (
    Allowance("reset address", Per.ADDRESS, 3, HOUR),
    Allowance("reset account", Per.SUBJECT, 3, HOUR),  # nobody's mailbox is filled from many addresses
)
VERIFY: Limit = (
    Allowance("verify address", Per.ADDRESS, 10, HOUR),
    Allowance("verify account", Per.SUBJECT, 3, HOUR),
)
SECOND_FACTOR: Limit = (
    Allowance("second factor address", Per.ADDRESS, 20, MINUTE, LONGEST_PAUSE),
    Allowance("second factor account", Per.SUBJECT, 5, MINUTE, LONGEST_PAUSE),
    Allowance("second factor account long", Per.SUBJECT, 30, HOUR),
    Allowance("second factor account day", Per.SUBJECT, 50, DAY),  # in a year of trying one guesses with 5 in 100
)
ELSEWHERE: Limit = (Allowance("elsewhere address", Per.ADDRESS, 20, MINUTE, LONGEST_PAUSE),)
CONFIRM: Limit = (Allowance("confirm account", Per.SUBJECT, 5, MINUTE, LONGEST_PAUSE),)
CHANGE_EMAIL: Limit = (Allowance("change email account", Per.SUBJECT, 5, HOUR),)
INVITED: Limit = (Allowance("invited address day", Per.SUBJECT, 3, DAY),)
INVITER: Limit = (Allowance("inviter day", Per.SUBJECT, 50, DAY),)  # in all their teams
INVITE: Limit = (Allowance("invite team", Per.SUBJECT, 20, HOUR), Allowance("invite team day", Per.SUBJECT, 50, DAY))
API_KEY: Limit = (
    Allowance("api key address", Per.ADDRESS, 60, MINUTE, LONGEST_PAUSE),
    Allowance("api key", Per.SUBJECT, 30, MINUTE),  # of the whole key: nobody else can use it up
)
EXPORT: Limit = (Allowance("export account", Per.SUBJECT, 3, DAY),)


def plain_address(address: str | None) -> str | None:
    """As it is written shortest, IPv4 as such; None for what is no address."""
    try:
        ip = ip_address(address or "")
    except ValueError:
        return None
    return str((ip.ipv4_mapped if isinstance(ip, IPv6Address) else None) or ip)


def network_of(address: str | None) -> str:
    """What counts as one address: of IPv6 the first 64 bits, for they are one household's. Empty if unknown."""
    if address is None:
        return ""
    return str(ip_network((address, 64 if ":" in address else 32), strict=False))


def hidden(*parts: str) -> bytes:
    """Who is meant, so that nobody can read it: 32 bytes."""
    return hashlib.sha256("\0".join(parts).encode()).digest()


@dataclass(frozen=True)
class Standing:
    """Where an allowance stands after an attempt."""

    used: int
    most: int
    renews_in: int

    @property
    def left(self) -> int:
        return max(self.most - self.used, 0)

    @property
    def refused(self) -> bool:
        return self.used > self.most


def tightest(standings: Sequence[Standing]) -> Standing:
    """The one that a client has to mind: what refuses it longest, else what will be used up first."""
    return max(standings, key=lambda s: (s.refused, s.renews_in if s.refused else -s.left, s.renews_in, -s.most))
