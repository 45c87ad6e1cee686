"""Events: facts, past tense, with the state that made them true.

The wire name (`booking.confirmed.v1`) is routing key, message type, log field and metric label at once. An event has
its aggregate's id and version, so a consumer can act without asking back, ignore what is older than what it knows, and
survive duplicates in any order.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True)
class PersonalMark:
    """Marks a field that says who somebody is, how to reach them or where they live: `email: Annotated[str, PERSONAL]`.

    In the audit trail it is sealed with the key of the event's `person`, and gone with that key. What is published then
    is an empty text, or null where that may be: every consumer must bear it. Other types cannot be marked.
    """


PERSONAL = PersonalMark()


class Event(BaseModel):
    """Base of all contracts. Abstract ones name their `aggregate`; concrete ones their `type`.

    `person` is whose personal fields it carries, as the name of the field with their id: `customer_id` means a
    customer, any other a user.

    Consumers ignore fields that they do not know: within a version only optional fields are added.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", from_attributes=True)

    type: ClassVar[str]
    aggregate: ClassVar[str]
    person: ClassVar[str | None] = None
    personal: ClassVar[frozenset[str]] = frozenset()

    version: int

    def __init_subclass__(
        cls, *, aggregate: str | None = None, type: str | None = None, person: str | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if person:
            cls.person = person
        if aggregate:
            cls.aggregate = aggregate
        if type:
            cls.type = type
            CONTRACTS[type] = cls

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """What cannot be sealed must not be marked: a mark that nobody sees would be worse than none."""
        super().__pydantic_init_subclass__(**kwargs)
        cls.personal = frozenset(name for name, field in cls.model_fields.items() if PERSONAL in field.metadata)
        for name, field in cls.model_fields.items():
            if name in cls.personal and field.annotation not in (str, str | None):
                raise TypeError(f"{cls.__name__}.{name}: only texts can be PERSONAL")
            if name not in cls.personal and "PersonalMark" in repr(field.annotation):
                raise TypeError(f"{cls.__name__}.{name}: the mark goes around the whole type")
        if cls.personal and "type" in cls.__dict__ and cls.person is None:
            raise TypeError(f"{cls.__name__}: whose are its personal fields? Name `person`")

    @classmethod
    def erased(cls) -> dict[str, str | None]:
        """What stands in its personal fields once they are erased."""
        return {name: "" if cls.model_fields[name].annotation is str else None for name in cls.personal}

    @property
    def producer(self) -> str:
        """The service that tells it."""
        return self.type.split(".")[0]

    @property
    def says_who(self) -> bool:
        """Whether there is anything personal in it."""
        return any(getattr(self, name) for name in self.personal)

    @property
    def whose(self) -> str:
        """The person whose personal fields these are: `user:5`, `customer:7`."""
        assert self.person
        return f"{'customer' if self.person == 'customer_id' else 'user'}:{getattr(self, self.person)}"

    @classmethod
    def key(cls) -> str:
        """The field that holds the aggregate's id."""
        return f"{cls.aggregate}_id"

    @property
    def aggregate_id(self) -> int:
        return int(getattr(self, self.key()))

    @classmethod
    def of(cls, entity: Any, **more: Any) -> Self:
        """The event about `entity` as it is now: fields come from `more`, else from its attributes of that name."""
        state = {name: getattr(entity, name) for name in cls.model_fields if name not in more and hasattr(entity, name)}
        return cls(**{cls.key(): entity.id} | state | more)


CONTRACTS: dict[str, type[Event]] = {}


class Envelope(BaseModel):
    """What travels in AMQP's own properties and headers beside an event's body."""

    event_id: UUID
    type: str
    producer: str
    occurred_at: datetime
    correlation_id: str
    causation_id: str | None = None
    actor: str = "anonymous"
    aggregate_type: str
    aggregate_id: int
    aggregate_version: int
    trace: dict[str, str] = Field(default_factory=dict)
    tries: int = Field(default=0, ge=0)
