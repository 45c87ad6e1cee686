"""What makes a password too easy: words that everybody tries first, runs along the keyboard, few characters."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from shared.errors import Unprocessable

from .weak_words import WEAK_WORDS

SHORTEST, LONGEST = 12, 128  # characters
FEWEST_DIFFERENT = 5
FEWEST_OF_ITS_OWN = 6  # what must be left when common words and runs are taken away
RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn")
LEET = str.maketrans("@4310$5!7", "aaeiossit")


class CommonPassword(Unprocessable):
    """This password is among those that are tried first. Take one with more of your own in it."""


def plain(password: str) -> str:
    """As it is judged and hashed: letters that look alike and are alike, such as full-width ones, are one (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def must_be_uncommon(password: str, *, about: Iterable[str] = ()) -> None:
    """Refuse what is guessed first. `about`: what is known of its owner, such as name and address."""
    folded = plain(password).casefold()
    personal = [part for text in about for part in re.split(r"\W+", text.casefold()) if len(part) >= 4]
    if len(set(folded)) < FEWEST_DIFFERENT or any(
        len(_remainder(spelling, personal)) < FEWEST_OF_ITS_OWN for spelling in (folded, folded.translate(LEET))
    ):
        raise CommonPassword


def _remainder(folded: str, personal: list[str]) -> str:
    for word in (*personal, *_guesses()):
        folded = folded.replace(word, " ")
    return re.sub(r"\W|_", "", folded)


@cache
def _guesses() -> tuple[str, ...]:
    """Words, and every run of four and more keys in both directions; longest first, so that none breaks up a longer."""
    runs = {piece for run in RUNS for way in (run, run[::-1]) for piece in _pieces(way)}
    return tuple(sorted(runs.union(WEAK_WORDS.split()), key=len, reverse=True))


def _pieces(run: str) -> Iterator[str]:
    for start in range(len(run)):
        for end in range(start + 4, len(run) + 1):
            yield run[start:end]
