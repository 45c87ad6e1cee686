"""The private keys of access tokens, as files: Ed25519, PKCS8 PEM, `<kid>.pem` in one directory.

A key's name says from when it signs: `20261125T020500Z-1a2b3c4d` is published from the moment its file is there, and
signs from 02:05 UTC on, so that everybody knows it by then. A name without a time signs at once. The newest whose time
has come signs; the one before it stays published until the last token that it signed is over.
"""

import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

KID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
TIMED = re.compile(r"([0-9]{8}T[0-9]{6}Z)-.+")
TIME = "%Y%m%dT%H%M%SZ"
ALWAYS = datetime.min.replace(tzinfo=UTC)

# Longer than caches keep the key set (a minute on its way, another at each service) and replicas take to see a file.
OVERLAP = timedelta(minutes=5)
# Longer than a token lives (15 minutes), the leeway, and replicas' clocks may differ.
RETIRED_AFTER = timedelta(minutes=20)


class NoSigningKey(Exception):
    """The directory does not hold what it should. The message says what is wrong."""


class KeyState(StrEnum):
    """`waiting` is published and does not sign yet; `retiring` signs no more, but its tokens may be good still."""

    WAITING = "waiting"
    SIGNS = "signs"
    RETIRING = "retiring"
    OVER = "over"


@dataclass(frozen=True)
class Timetable:
    """When each of these keys signs. `pinned` signs whatever its time, as long as there is it."""

    kids: frozenset[str]
    pinned: str | None = None

    def current(self, at: datetime) -> str | None:
        due = [kid for kid in self.kids if signs_from(kid) <= at]
        return self.pinned or max(due, key=_age, default=None)

    def state(self, kid: str, at: datetime) -> KeyState:
        if kid == self.current(at):
            return KeyState.SIGNS
        if signs_from(kid) > at:
            return KeyState.WAITING
        over = self.over_at(kid)
        return KeyState.OVER if over and at >= over else KeyState.RETIRING

    def over_at(self, kid: str) -> datetime | None:
        """When the last token of this key is over; None while no key with a time in its name has been put after it."""
        times = [signs_from(other) for other in self.kids if _age(other) > _age(kid)]
        later = min((time for time in times if time > ALWAYS), default=None)
        return later + RETIRED_AFTER if later and not self.pinned else None

    def published(self, at: datetime) -> list[str]:
        return sorted((kid for kid in self.kids if self.state(kid, at) is not KeyState.OVER), key=_age)


def signs_from(kid: str) -> datetime:
    """What the name says; `ALWAYS` if it tells no time."""
    found = TIMED.fullmatch(kid)
    try:
        return datetime.strptime(found[1], TIME).replace(tzinfo=UTC) if found else ALWAYS
    except ValueError:
        return ALWAYS


def _age(kid: str) -> tuple[datetime, str]:
    return signs_from(kid), kid


def read_keys(directory: Path) -> dict[str, Ed25519PrivateKey]:
    """All of them, or `NoSigningKey` if one is not what it should be."""
    return {path.stem: _read(path) for path in key_files(directory)}


def key_files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.glob("*.pem") if not path.name.startswith("."))


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm, OSError) as error:
        raise NoSigningKey(f"{path} cannot be read as an unencrypted PKCS8 key") from error
    if not isinstance(key, Ed25519PrivateKey) or not KID.fullmatch(path.stem):
        raise NoSigningKey(f"{path} is not an Ed25519 key, or not named <kid>.pem")
    return key


def make_key(directory: Path, kid: str, *, like: Path | None = None) -> None:
    """Write a new key, at once and whole; one that is there already is kept.

    Its owner alone may read it, unless it is to be read by whoever reads the file that it is `like`.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = directory / f".{kid}.{secrets.token_hex(4)}"
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        if like:
            _share(file.fileno(), like.stat())
    try:
        os.link(draft, directory / f"{kid}.pem")
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _share(file: int, like: os.stat_result) -> None:
    os.fchmod(file, like.st_mode & 0o644)
    if os.geteuid() == 0:
        os.fchown(file, like.st_uid, like.st_gid)


def new_kid(at: datetime) -> str:
    """A name for a key that signs from then on."""
    return f"{at.astimezone(UTC):{TIME}}-{secrets.token_hex(4)}"


def rotate(directory: Path, at: datetime, *, overlap: timedelta = OVERLAP) -> str | None:
    """Put a new key beside the others, to sign when the overlap is over; None if one waits already.

    The first one of all signs at once. Without an overlap any does, whatever waits: who meets it has to look it up.
    """
    times = Timetable(frozenset(path.stem for path in key_files(directory)))
    if overlap and any(times.state(kid, at) is KeyState.WAITING for kid in times.kids):
        return None
    current = times.current(at)
    begins = max(at + overlap, signs_from(current) + timedelta(seconds=1)) if current else at
    kid = new_kid(begins)
    make_key(directory, kid, like=directory / f"{current}.pem" if current else None)
    return kid


def prune(directory: Path, at: datetime, pinned: str | None = None) -> list[str]:
    """Take away the keys whose last token is over: none while one is pinned."""
    times = Timetable(frozenset(path.stem for path in key_files(directory)), pinned)
    over = sorted(kid for kid in times.kids if times.state(kid, at) is KeyState.OVER)
    for kid in over:
        (directory / f"{kid}.pem").unlink(missing_ok=True)
    return over
