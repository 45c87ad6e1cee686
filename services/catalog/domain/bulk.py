"""An affiliate's services as rows, one per tier, and what taking such rows would change.

An import adds and changes; it takes nothing away. What the rows do not mention stays, tiers of a service that they do
mention included; order and photos stay too.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from shared.sheets import Fault, refuse_if

from .service import MAX_SERVICES, MAX_TIERS, MAX_TIERS_EVER, Service
from .tier import TierDraft

ABOUT_THE_SERVICE = ("category", "service", "description", "service_active")


@dataclass(frozen=True, slots=True)
class Row:
    """One tier, with what is said of its service; without ids, new ones. `line` is where it stands in the file."""

    line: int
    service_id: int | None
    category: str
    service: str
    description: str
    service_active: bool
    tier: TierDraft


class Outcome(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass
class Wanted:
    """A service as its rows want it; no `service`: a new one."""

    rows: list[Row]
    service: Service | None
    tiers: list[TierDraft]
    outcome: Outcome = field(init=False)

    def __post_init__(self) -> None:
        self.outcome = self._outcome()

    @property
    def first(self) -> Row:
        return self.rows[0]

    def _outcome(self) -> Outcome:
        if self.service is None:
            return Outcome.ADDED
        row, is_now = self.first, self.service
        said = (row.category, row.service, row.description, row.service_active)
        same = said == (is_now.category, is_now.name, is_now.description, is_now.active)
        return Outcome.UNCHANGED if same and self.tiers == is_now.drafts else Outcome.CHANGED


def plan(rows: Sequence[Row], services: Sequence[Service], categories: Mapping[str, bool]) -> list[Wanted]:
    """What these rows want of an affiliate that has these services; `BadSheet` if any of it cannot be.

    `categories`: all there are, and whether they take new services.
    """
    known = {service.id: service for service in services}
    wanted = list(_grouped(rows, known))
    faults = [fault for one in wanted for fault in _faults_of(one, categories)]
    faults += _names_taken(wanted, services)
    faults += _too_many(wanted, len(services))
    refuse_if(faults)
    return wanted


def _grouped(rows: Sequence[Row], known: Mapping[int, Service]) -> Iterator[Wanted]:
    """Rows of one service: by its id, new ones by their name."""
    groups: dict[int | str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.service if row.service_id is None else row.service_id, []).append(row)
    for group in groups.values():
        service = known.get(group[0].service_id or 0)
        yield Wanted(group, service, _merged(service, [row.tier for row in group]))


def _merged(service: Service | None, drafts: Sequence[TierDraft]) -> list[TierDraft]:
    """The tiers in their order as the drafts want them, then the new ones."""
    named = {draft.id: draft for draft in drafts if draft.id is not None}
    kept = [named.get(draft.id or 0, draft) for draft in service.drafts] if service else []
    return kept + [draft for draft in drafts if draft.id is None]


def _faults_of(wanted: Wanted, categories: Mapping[str, bool]) -> Iterator[Fault]:
    first, service = wanted.first, wanted.service
    if first.service_id is not None and service is None:
        yield Fault(first.line, "is none of this affiliate's services", "service_id")
    if first.category not in categories:
        yield Fault(first.line, "is no category", "category")
    elif not categories[first.category] and (service is None or service.category != first.category):
        yield Fault(first.line, "takes no new services", "category")
    yield from _disagreements(wanted.rows)
    yield from _strange_tiers(wanted.rows, {draft.id for draft in service.drafts} if service else set())
    ever = len(service.tiers) if service else 0
    new = sum(row.tier.id is None for row in wanted.rows)
    if len(wanted.tiers) > MAX_TIERS or ever + new > MAX_TIERS_EVER:
        yield Fault(wanted.rows[-1].line, f"would be too many tiers of one service: at most {MAX_TIERS}", "tier")


def _disagreements(rows: Sequence[Row]) -> Iterator[Fault]:
    for row in rows[1:]:
        for column in ABOUT_THE_SERVICE:
            if getattr(row, column) != getattr(rows[0], column):
                yield Fault(row.line, f"says otherwise of the same service than line {rows[0].line}", column)


def _strange_tiers(rows: Sequence[Row], known: Collection[int | None]) -> Iterator[Fault]:
    seen: set[int] = set()
    for row in rows:
        if row.tier.id is None:
            continue
        if row.tier.id not in known:
            yield Fault(row.line, "is no tier of this service", "tier_id")
        elif row.tier.id in seen:
            yield Fault(row.line, "stands in the file twice", "tier_id")
        seen.add(row.tier.id)


def _names_taken(wanted: Sequence[Wanted], services: Sequence[Service]) -> Iterator[Fault]:
    """Else the same file would add its new services again each time."""
    taken = {service.name for service in services}
    for one in wanted:
        if one.first.service_id is None and one.first.service in taken:
            yield Fault(one.first.line, "is the name of a service that there is: give its service_id", "service")


def _too_many(wanted: Sequence[Wanted], there: int) -> Iterator[Fault]:
    new = [one for one in wanted if one.service is None]
    for one in new[max(MAX_SERVICES - there, 0) :]:
        yield Fault(one.first.line, f"would be one too many: an affiliate offers at most {MAX_SERVICES}", "service")
