"""Keys come and go while identity runs: each token is good as long as it lives, wherever it is brought."""

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from services.identity.keys import AccessTokens, OwnKeys, SigningKeys
from shared.auth import MAX_LIFETIME, Actor, verify
from shared.cli.main import app as mdh
from shared.clock import frozen, now
from shared.errors import Unauthenticated
from shared.keys import KeySet
from shared.signing_keys import OVERLAP, RETIRED_AFTER, KeyState, Timetable, make_key, new_kid, prune, rotate

from .test_keys import kid_of, settings

FIRST = "local-1"
BEGIN = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
ACTOR = Actor(user_id=5)


class Replica:
    """One of identity's processes: it looks at the directory whenever it is asked."""

    def __init__(self, directory: Path) -> None:
        self.keys = SigningKeys(directory, look_every=0)
        self.tokens = AccessTokens(self.keys, settings(directory))

    def issue(self) -> str:
        return self.tokens.issue(ACTOR)


class OtherService:
    """Verifies against identity's key set as it was published at its latest look."""

    def __init__(self, directory: Path, replica: Replica) -> None:
        self._file, self._replica, self._settings = directory / "jwks.json", replica, settings(directory)
        self.look()

    def look(self) -> None:
        self._file.write_text(json.dumps(self._replica.keys.public()))
        self.keys = KeySet(self._file)

    async def accepts(self, token: str) -> bool:
        try:
            return await verify(token, self.keys, self._settings) == ACTOR
        except Unauthenticated:
            return False


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    make_key(tmp_path / "keys", FIRST)
    return tmp_path / "keys"


@pytest.fixture
def minutes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The library that verifies has a clock of its own: it follows ours."""
    import jwt.api_jwt

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Clock":
            return cls.fromtimestamp(now().timestamp(), UTC)

    monkeypatch.setattr(jwt.api_jwt, "datetime", Clock)
    return iter(())


async def test_tokens_from_before_during_and_after_a_rotation_are_good_the_whole_time(
    keys: Path, tmp_path: Path, minutes: None
) -> None:
    """Two replicas sign, a service that is behind verifies; each token is tried every minute of its life."""
    one, two = Replica(keys), Replica(keys)
    service = OtherService(tmp_path, one)
    alive: list[tuple[datetime, str]] = []
    signed: dict[str, str] = {}
    for minute in range(60):
        with frozen(BEGIN + timedelta(minutes=minute)):
            if minute == 10:
                assert rotate(keys, now())
            for replica in (one, two):
                token = replica.issue()
                signed[kid_of(token)] = token
                alive.append((now(), token))
            alive = [(at, token) for at, token in alive if now() - at < timedelta(seconds=MAX_LIFETIME)]
            for _, token in alive:
                assert await service.accepts(token), f"minute {minute}, {kid_of(token)}"
                assert await verify(token, OwnKeys(two.keys), settings(keys)) == ACTOR
            if minute % 2:
                service.look()  # what it sees now it goes by for two minutes
    old, new = signed
    assert old == FIRST
    with frozen(BEGIN + timedelta(minutes=30)):
        assert [key["kid"] for key in one.keys.public()["keys"]] == [FIRST, new]
    with frozen(BEGIN + timedelta(minutes=60)):
        assert [key["kid"] for key in one.keys.public()["keys"]] == [new]
        assert prune(keys, now()) == [FIRST]


def test_a_new_key_is_published_first_and_signs_when_everybody_knows_it(keys: Path) -> None:
    replica = Replica(keys)
    with frozen(BEGIN):
        new = rotate(keys, now())
        assert [key["kid"] for key in replica.keys.public()["keys"]] == [FIRST, new]
        assert kid_of(replica.issue()) == FIRST
    with frozen(BEGIN + OVERLAP - timedelta(seconds=1)):
        assert kid_of(replica.issue()) == FIRST
    with frozen(BEGIN + OVERLAP):
        assert kid_of(replica.issue()) == new


async def test_the_overlap_is_longer_than_anybody_keeps_the_key_set(client: httpx.AsyncClient) -> None:
    cached = (await client.get("/identity/v1/.well-known/jwks.json")).headers["cache-control"]
    on_its_way = int(cached.removeprefix("public, max-age="))
    at_services = KeySet("http://127.0.0.1:9/")._max_age
    assert timedelta(seconds=on_its_way + at_services) < OVERLAP / 2
    assert timedelta(seconds=MAX_LIFETIME + 60) < RETIRED_AFTER


async def test_a_token_of_a_key_that_was_taken_away_is_refused(keys: Path, tmp_path: Path) -> None:
    replica, token = Replica(keys), Replica(keys).issue()
    service = OtherService(tmp_path, replica)
    assert await service.accepts(token)
    rotate(keys, now(), overlap=timedelta())
    (keys / f"{FIRST}.pem").unlink()
    service.look()
    assert not await service.accepts(token)
    with pytest.raises(Unauthenticated):
        await verify(token, OwnKeys(replica.keys), settings(keys))
    assert await service.accepts(replica.issue())


async def test_a_key_that_is_over_is_published_no_more_even_if_its_file_stays(keys: Path) -> None:
    replica = Replica(keys)
    with frozen(BEGIN):
        new = rotate(keys, now())
    with frozen(BEGIN + OVERLAP + RETIRED_AFTER):
        assert [key["kid"] for key in replica.keys.public()["keys"]] == [new]
        assert replica.keys.find(FIRST) is None


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nMC4CAQ", b"\x00\xff" * 50])
def test_a_half_written_file_changes_nothing_until_it_is_whole(keys: Path, content: bytes) -> None:
    replica = Replica(keys)
    name = f"{new_kid(now() - timedelta(seconds=2))}.pem"
    (keys / name).write_bytes(content)
    assert kid_of(replica.issue()) == FIRST
    assert [key["kid"] for key in replica.keys.public()["keys"]] == [FIRST]
    make_key(keys / "elsewhere", "whole")
    (keys / name).write_bytes((keys / "elsewhere" / "whole.pem").read_bytes())
    assert kid_of(replica.issue()) == name.removesuffix(".pem")


def test_what_cannot_be_read_any_more_goes_on_as_it_was_read_last(keys: Path) -> None:
    replica = Replica(keys)
    (keys / f"{FIRST}.pem").write_bytes(b"gone wrong")
    assert kid_of(replica.issue()) == FIRST
    (keys / f"{FIRST}.pem").unlink()
    assert kid_of(replica.issue()) == FIRST
    keys.rmdir()
    assert kid_of(replica.issue()) == FIRST


def test_an_unreadable_file_is_told_once_and_not_at_every_look(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replica = Replica(keys)
    (keys / "bad.pem").write_bytes(b"bad")
    for _ in range(3):
        replica.issue()
    assert capsys.readouterr().out.count("signing_keys.unreadable") == 1


def test_the_directory_is_looked_at_every_few_seconds_not_at_every_token(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = SigningKeys(keys, look_every=3600)
    monkeypatch.setattr(Path, "glob", lambda *_: pytest.fail("looked"))
    quick.sign({})
    quick.public()


@pytest.mark.parametrize(
    ("kids", "at", "states"),
    [
        (["a", "b"], 0, "retiring signs"),
        (["a", "20261125T020500Z-x"], 0, "signs waiting"),
        (["a", "20261125T020500Z-x"], 5, "retiring signs"),
        (["a", "20261125T020500Z-x"], 25, "over signs"),
        (["a", "b", "20261125T020500Z-x"], 25, "over over signs"),
        (["20261125T015000Z-x", "20261125T020500Z-x"], 0, "signs waiting"),
        (["20261125T010000Z-x", "20261125T012000Z-x", "20261125T020500Z-x"], 0, "over signs waiting"),
        (["20269999T010000Z-x", "20261125T020500Z-x"], 0, "signs waiting"),
    ],
)
def test_a_keys_name_says_when_it_signs_and_when_the_one_before_it_is_over(
    kids: list[str], at: int, states: str
) -> None:
    times = Timetable(frozenset(kids))
    assert " ".join(times.state(kid, BEGIN + timedelta(minutes=at)) for kid in kids) == states


def test_a_pinned_key_signs_and_no_other_goes(keys: Path) -> None:
    times = Timetable(frozenset(["a", "20261125T020500Z-x"]), pinned="a")
    later = BEGIN + timedelta(days=9)
    assert [times.state(kid, later) for kid in ("a", "20261125T020500Z-x")] == [KeyState.SIGNS, KeyState.RETIRING]
    assert times.published(later) == ["a", "20261125T020500Z-x"]


# -- mdh keys --


def run(keys: Path, *arguments: str) -> str:
    result = CliRunner().invoke(mdh, ["keys", *arguments, "--directory", str(keys)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_mdh_keys_lists_rotates_and_prunes(keys: Path) -> None:
    with frozen(BEGIN):
        assert run(keys, "list") == f"{FIRST}  signs\n"
        new = run(keys, "rotate").split(".pem")[0]
        assert run(keys, "rotate") == "a new key waits already\n"
        assert run(keys, "list") == f"{FIRST}  signs\n{new}  published, signs from 2026-11-25 02:05:00 UTC\n"
        assert run(keys, "prune") == ""
    with frozen(BEGIN + OVERLAP):
        assert run(keys, "list") == f"{FIRST}  published until 2026-11-25 02:25:00 UTC\n{new}  signs\n"
    with frozen(BEGIN + OVERLAP + RETIRED_AFTER):
        assert run(keys, "list") == f"{FIRST}  over: prune takes it away\n{new}  signs\n"
        assert run(keys, "prune") == f"{FIRST}.pem: gone\n"
        assert run(keys, "list") == f"{new}  signs\n"


def test_mdh_keys_prunes_nothing_while_a_key_is_pinned(keys: Path) -> None:
    with frozen(BEGIN):
        new = run(keys, "rotate").split(".pem")[0]
    with frozen(BEGIN + timedelta(days=1)):
        assert run(keys, "prune", "--kid", FIRST) == ""
        assert run(keys, "prune", "--kid", "") == f"{FIRST}.pem: gone\n"
        assert run(keys, "list") == f"{new}  signs\n"


def test_mdh_keys_rotate_now_signs_at_once_whatever_waits(keys: Path) -> None:
    replica = Replica(keys)
    with frozen(BEGIN):
        run(keys, "rotate")
        at_once = run(keys, "rotate", "--now").split(".pem")[0]
        assert kid_of(replica.issue()) == at_once
        again = run(keys, "rotate", "--now").split(".pem")[0]
    with frozen(BEGIN + timedelta(seconds=1)):
        assert kid_of(replica.issue()) == again


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_new_key_is_read_by_whoever_reads_the_old_one(keys: Path, mode: int) -> None:
    (keys / f"{FIRST}.pem").chmod(mode)
    new = run(keys, "rotate").split(".pem")[0]
    assert stat.S_IMODE((keys / f"{new}.pem").stat().st_mode) == mode


def test_mdh_keys_makes_the_first_key_sign_at_once(tmp_path: Path) -> None:
    with frozen(BEGIN):
        first = run(tmp_path, "rotate").split(".pem")[0]
        assert kid_of(Replica(tmp_path).issue()) == first


def test_mdh_keys_says_what_it_cannot_read(keys: Path) -> None:
    (keys / "bad.pem").write_bytes(b"bad")
    for command in ("list", "rotate", "prune"):
        result = CliRunner().invoke(mdh, ["keys", command, "--directory", str(keys)])
        assert (result.exit_code, "bad.pem" in result.output) == (1, True)
    assert sorted(path.name for path in keys.iterdir()) == ["bad.pem", f"{FIRST}.pem"]
