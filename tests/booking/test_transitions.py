"""The table of an appointment's life: every pair leads on or is refused by name, and the README draws what it says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.booking.domain import life
from services.booking.domain.life import TRANSITIONS, NotYourPart, Party, Status, Step, after
from shared.errors import Refusal

README = Path(life.__file__).parents[1] / "README.md"
START = datetime(2030, 6, 3, 14, tzinfo=UTC)
END = START + timedelta(hours=2)

# From each state, by each step in its time: the state it leads to, or the refusal.
TABLE = """
             accept           decline          confirm     expire      turn_away   propose              reschedule           set_out     start        complete    miss          cancel      offer_extras  agree_extras  drop_extras
requested    held             declined         NotAwaited  expired     NotAwaited  TooLateToReschedule  TooLateToReschedule  NotToBegin  NotToBegin   NotYetDone  NobodyMissed  cancelled  NothingToAdd  NothingToAdd  NothingToAdd
held         AlreadyAnswered  AlreadyAnswered  confirmed   expired     cancelled   TooLateToReschedule  held                 NotToBegin  NotToBegin   NotYetDone  NobodyMissed  cancelled  NothingToAdd  NothingToAdd  NothingToAdd
confirmed    AlreadyAnswered  AlreadyAnswered  NotAwaited  NotAwaited  NotAwaited  confirmed            confirmed            en_route    in_progress  completed   no_show       cancelled  confirmed     confirmed     confirmed
en_route     AlreadyAnswered  AlreadyAnswered  NotAwaited  NotAwaited  NotAwaited  TooLateToReschedule  TooLateToReschedule  NotToBegin  in_progress  completed   no_show       cancelled  en_route      en_route      en_route
in_progress  AlreadyAnswered  AlreadyAnswered  NotAwaited  NotAwaited  NotAwaited  TooLateToReschedule  TooLateToReschedule  NotToBegin  NotToBegin   completed   NobodyMissed  cancelled  in_progress   in_progress   in_progress
completed    AlreadyAnswered  AlreadyAnswered  NotAwaited  NotAwaited  NotAwaited  TooLateToReschedule  TooLateToReschedule  NotToBegin  NotToBegin   NotYetDone  NobodyMissed  TooLateToCancel  NothingToAdd  NothingToAdd  NothingToAdd
cancelled    AlreadyAnswered  AlreadyAnswered  NotAwaited  NotAwaited  NotAwaited  TooLateToReschedule  TooLateToReschedule  NotToBegin  NotToBegin   NotYetDone  NobodyMissed  TooLateToCancel  NothingToAdd  NothingToAdd  NothingToAdd
expired      AlreadyAnswered  AlreadyAnswered  confirmed   NotAwaited  cancelled   TooLateToReschedule  TooLateToReschedule  NotToBegin  NotToBegin   NotYetDone  NobodyMissed  TooLateToCancel  NothingToAdd  NothingToAdd  NothingToAdd
no_show      AlreadyAnswered  AlreadyAnswered  NotAwaited  NotAwaited  NotAwaited  TooLateToReschedule  TooLateToReschedule  NotToBegin  NotToBegin   NotYetDone  NobodyMissed  TooLateToCancel  NothingToAdd  NothingToAdd  NothingToAdd
declined     AlreadyAnswered  AlreadyAnswered  NotAwaited  NotAwaited  NotAwaited  TooLateToReschedule  TooLateToReschedule  NotToBegin  NotToBegin   NotYetDone  NobodyMissed  TooLateToCancel  NothingToAdd  NothingToAdd  NothingToAdd
"""  # noqa: E501
IN_TIME = {
    Step.CONFIRM: START - timedelta(days=1),
    Step.ACCEPT: START - timedelta(days=1),
    Step.PROPOSE: START - timedelta(days=1),
    Step.RESCHEDULE: START - timedelta(days=1),
    Step.MISS: START + timedelta(minutes=15),
}


def pairs() -> list[tuple[Status, Step, str]]:
    steps, *rows = (line.split() for line in TABLE.strip().splitlines())
    return [(Status(row[0]), Step(step), cell) for row in rows for step, cell in zip(steps, row[1:], strict=True)]


def outcome(step: Step, status: Status, by: Party, at: datetime) -> str:
    try:
        return str(after(step, status, frozenset({by}), at=at, start=START, end=END))
    except Refusal as refusal:
        return type(refusal).__name__


def test_the_table_is_whole() -> None:
    assert {(status, step) for status, step, _ in pairs()} == {(status, step) for status in Status for step in Step}
    assert set(TRANSITIONS) == set(Step)


@pytest.mark.parametrize(("status", "step", "expected"), pairs())
def test_every_pair_leads_on_or_is_refused_by_name(status: Status, step: Step, expected: str) -> None:
    assert outcome(step, status, min(TRANSITIONS[step].by), IN_TIME.get(step, START)) == expected


@pytest.mark.parametrize("by", Party)
@pytest.mark.parametrize("step", Step)
def test_nobody_takes_a_step_that_is_anothers(step: Step, by: Party) -> None:
    for status in Status:
        allowed = outcome(step, status, by, IN_TIME.get(step, START)) != NotYourPart.__name__
        assert allowed == (by in TRANSITIONS[step].by)


@pytest.mark.parametrize(
    ("step", "status", "by", "at", "expected"),
    [
        (Step.CONFIRM, Status.HELD, Party.PLATFORM, START, "NotAwaited"),
        (Step.SET_OUT, Status.CONFIRMED, Party.TEAM, START - timedelta(hours=12, seconds=1), "NotToBegin"),
        (Step.SET_OUT, Status.CONFIRMED, Party.TEAM, START - timedelta(hours=12), "en_route"),
        (Step.SET_OUT, Status.CONFIRMED, Party.TEAM, END, "NotToBegin"),
        (Step.START, Status.EN_ROUTE, Party.TEAM, START - timedelta(minutes=61), "NotToBegin"),
        (Step.COMPLETE, Status.CONFIRMED, Party.TEAM, START - timedelta(minutes=60), "completed"),
        (Step.MISS, Status.CONFIRMED, Party.TEAM, START + timedelta(minutes=14), "NobodyMissed"),
        (Step.MISS, Status.CONFIRMED, Party.TEAM, END + timedelta(days=1), "NobodyMissed"),
        (Step.CANCEL, Status.CONFIRMED, Party.CUSTOMER, END, "TooLateToCancel"),
        (Step.CANCEL, Status.CONFIRMED, Party.ADMIN, END, "cancelled"),
    ],
)
def test_each_step_has_its_time(step: Step, status: Status, by: Party, at: datetime, expected: str) -> None:
    assert outcome(step, status, by, at) == expected


def test_the_readme_draws_exactly_the_table() -> None:
    written = README.read_text()
    assert life.drawing() in written
    assert life.rows() in written
