"""What a service does when time passes: `jobs.every(interval)`.

One replica runs a job at a time (the row lock on its `jobs` row lasts as long as its transaction), runs that were
missed are caught up once, and each run's outcome stands in `job_runs`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from shared import telemetry
from shared.clock import now
from shared.context import Cause, caused_by
from shared.db import Database, Keyed
from shared.ids import new_id
from shared.outbox import PlatformBase
from shared.stopping import finish

log = structlog.get_logger()

RETRY = timedelta(minutes=1)  # after a failure, unless the job comes sooner anyway
AT_ONCE, ROUNDS = 10_000, 100  # rows that housekeeping deletes in one statement, statements of one run

MOST_LATE = 5.0  # seconds
KNOW = text("insert into jobs (name) select unnest(cast(:names as varchar[])) on conflict do nothing")
DUE = text("select name from jobs where name = any(:names) and next_run_at <= clock_timestamp()")

Run = Callable[[AsyncSession], Awaitable[None]]


class JobState(PlatformBase, kw_only=True):
    __tablename__ = "jobs"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_run_at: Mapped[datetime] = mapped_column(default_factory=now)


class JobRun(Keyed, PlatformBase, kw_only=True):
    """One run: `outcome` is `done` or `failed`; kept 30 days."""

    __tablename__ = "job_runs"

    job: Mapped[str]
    outcome: Mapped[str]
    error: Mapped[str | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime] = mapped_column(default_factory=now)


@dataclass(frozen=True)
class Job:
    run: Run
    interval: timedelta

    @property
    def name(self) -> str:
        return self.run.__name__


@dataclass
class Jobs:
    """The jobs of one service: `jobs = Jobs("booking")`."""

    service: str
    all: list[Job] = field(default_factory=list)

    def every(self, interval: timedelta) -> Callable[[Run], Run]:
        def register(run: Run) -> Run:
            self.all.append(Job(run, interval))
            return run

        return register


async def run_if_due(database: Database, service: str, job: Job) -> bool:
    """Run the job if it is due and no other replica is at it; says whether it ran."""
    started = now()
    with caused_by(Cause(correlation_id=str(new_id()), actor=f"service:{service}")):
        try:
            async with database.begin() as session:
                if not await _claim(session, job):
                    return False
                await job.run(session)
                session.add(JobRun(job=job.name, outcome="done", error=None, started_at=started))
        except Exception as error:
            log.error("job.failed", job=job.name, exc_info=error)
            await _note_failure(database, job, started, error)
            telemetry.JOBS.labels(service, job.name, "failed").inc()
        else:
            telemetry.JOBS.labels(service, job.name, "done").inc()
    return True


async def _claim(session: AsyncSession, job: Job) -> bool:
    """Lock the job's row if it is due, and set its next run; that run is forgotten again if this one fails."""
    due = select(JobState.name).where(JobState.name == job.name, JobState.next_run_at <= func.clock_timestamp())
    claimed = update(JobState).where(JobState.name.in_(due.with_for_update(skip_locked=True))).returning(JobState.name)
    return (
        await session.execute(claimed.values(next_run_at=func.clock_timestamp() + job.interval))
    ).first() is not None


async def _note_failure(database: Database, job: Job, started: datetime, error: Exception) -> None:
    async with database.begin() as session:
        session.add(JobRun(job=job.name, outcome="failed", error=repr(error)[:2000], started_at=started))
        later = update(JobState).where(JobState.name == job.name)
        await session.execute(later.values(next_run_at=func.clock_timestamp() + min(job.interval, RETRY)))


async def keep_running(database: Database, service: str, jobs: list[Job]) -> None:
    """Runs until cancelled. Which are due is asked for all at once; each runs by itself, so that a slow one delays no
    other."""
    pause = min(MOST_LATE, *(job.interval.total_seconds() / 3 for job in jobs))
    names = [job.name for job in jobs]
    at_work: set[str] = set()
    known = False
    async with asyncio.TaskGroup() as group:
        while True:
            try:
                async with database.alone() as session:
                    if not known:
                        await session.execute(KNOW, {"names": names})
                        known = True
                    due = set(await session.scalars(DUE, {"names": names})) - at_work
                at_work |= due
                for job in jobs:
                    if job.name in due:
                        group.create_task(_run(database, service, job, at_work))
            except Exception as error:
                log.warning("jobs.database_away", service=service, error=repr(error))
            await asyncio.sleep(pause)


async def _run(database: Database, service: str, job: Job, at_work: set[str]) -> None:
    try:
        await finish(run_if_due(database, service, job))
    except Exception as error:
        log.warning("jobs.database_away", service=service, job=job.name, error=repr(error))
    finally:
        at_work.discard(job.name)


async def forget_old_runs(session: AsyncSession) -> None:
    """A job of every service: what was kept long enough goes, in steps that a statement's time allows for."""
    for table, column, kept in (
        ("job_runs", "started_at", "30 days"),
        ("inbox", "created_at", "45 days"),
        ("idempotency_keys", "created_at", "72 hours"),
        ("token_cutoffs", "created_at", "1 hour"),
    ):
        old = f"select ctid from {table} where {column} < now() - interval '{kept}' limit {AT_ONCE}"  # noqa: S608
        for _ in range(ROUNDS):
            gone = await session.execute(text(f"delete from {table} where ctid = any(array({old}))"))  # noqa: S608
            if gone.rowcount < AT_ONCE:  # type: ignore[attr-defined]
                break
