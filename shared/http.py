"""HTTP as every service speaks it: strict bodies, problem+json (RFC 9457), cursor pages, entity tags."""

import base64
import json
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt
from sqlalchemy import Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute
from starlette.exceptions import HTTPException

from shared import idempotency
from shared.errors import BadRequest, PreconditionFailed, Refusal, Unprocessable
from shared.strict_json import strict_json

T = TypeVar("T")

MAX_ID = 2**63 - 1
EARLIEST, LATEST = (
    datetime.fromisoformat("2000-01-01T00:00:00+00:00"),
    datetime.fromisoformat("2200-01-01T00:00:00+00:00"),
)


class ContentTooLarge(BadRequest):
    """The body is larger than this server takes."""

    status = 413


class BadCursor(BadRequest):
    """This cursor was not given out by this list. Start again without one."""


class BadEntityTag(BadRequest):
    """If-Match takes one strong entity tag, as it stood in the ETag of an earlier answer."""


# -- what may come in --


def _printable(text: str) -> str:
    if any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("contains a NUL or a lone surrogate")
    return text


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("contains a line break or another control character")
    return text.strip()


def digits(value: Any) -> Any:
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) <= 19):
        raise ValueError("is not a whole number in plain digits")
    return value


def _sane(moment: datetime) -> datetime:
    if not EARLIEST <= moment < LATEST:
        raise ValueError("lies outside the years 2000 to 2199")
    return moment


def _not_epoch(value: Any) -> Any:
    if not isinstance(value, str | datetime) or (
        isinstance(value, str) and value.replace(".", "").lstrip("+-").isdigit()
    ):
        raise ValueError("is not an RFC 3339 date and time")
    return value


def _calendar_day(value: Any) -> Any:
    """`YYYY-MM-DD` and nothing else: not the epoch numbers that pydantic would take."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("is not a date as YYYY-MM-DD")
    return value


Text = Annotated[str, Field(max_length=2000), AfterValidator(_printable)]
Line = Annotated[str, AfterValidator(_printable), AfterValidator(_one_line), Field(min_length=1, max_length=200)]
Sentence = Annotated[
    str, AfterValidator(_printable), AfterValidator(_one_line), Field(min_length=10, max_length=500)
]  # why somebody did something to somebody else, who is to read it
Id = Annotated[StrictInt, Field(ge=1, le=MAX_ID)]
PathId = Annotated[int, BeforeValidator(digits), Path(ge=1, le=MAX_ID)]
QueryId = Annotated[int, BeforeValidator(digits), Query(ge=1, le=MAX_ID)]
QueryIds = Annotated[
    list[Annotated[int, BeforeValidator(digits), Field(ge=1, le=MAX_ID)]], Query(max_length=20, default_factory=list)
]
Cents = Annotated[StrictInt, Field(ge=0, le=100_000_000, description="cents")]
Day = Annotated[date, BeforeValidator(_calendar_day), Field(ge=EARLIEST.date(), lt=LATEST.date())]
Moment = Annotated[AwareDatetime, BeforeValidator(_not_epoch), AfterValidator(_sane)]


class Body(BaseModel):
    """Base of request models: unknown fields and wrong types are refused, not ignored or converted."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False, frozen=True)


class View(BaseModel):
    """Base of response models, filled from attributes of entities or columns of rows."""

    model_config = ConfigDict(from_attributes=True)


class _StrictRequest(Request):
    async def body(self) -> bytes:
        """Counted while it comes in, whatever Content-Length says of it; FastAPI's own limit answers in plain text."""
        if not hasattr(self, "_body"):
            most = self.app.state.settings.max_body_bytes
            said = self.headers.get("content-length", "0")
            if said.isascii() and said.isdigit() and int(said[:19]) > most:
                raise ContentTooLarge
            body = bytearray()
            async for chunk in self.stream():
                body += chunk
                if len(body) > most:
                    raise ContentTooLarge
            self._body = bytes(body)
        return self._body

    async def json(self) -> Any:
        return strict_json(await self.body())


class Route(APIRoute):
    """Reads bodies strictly; answers a repeated Idempotency-Key with the stored answer."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            request = _StrictRequest(request.scope, request.receive)
            try:
                response = await handle(request)
            except HTTPException as error:  # FastAPI wraps what reading the body raised
                raise (error.__cause__ if isinstance(error.__cause__, Refusal) else error) from None
            except idempotency.AlreadyAnswered as known:
                return known.response()
            await idempotency.keep(request, response)
            return response

        return strictly


def router(service: str, tag: str, prefix: str = "") -> APIRouter:
    """A router for `/<service>/v1<prefix>` whose routes are strict."""
    return APIRouter(prefix=f"/{service}/v1{prefix}", tags=[tag], route_class=Route)


# -- what goes out with every answer --


def announce(request: Request, headers: Mapping[str, str]) -> None:
    """These headers are on the answer to this request, whatever it will be; `shared.app` puts them there."""
    request.state.announced = getattr(request.state, "announced", {}) | dict(headers)


# -- pages --


class PageView(View, Generic[T]):
    items: list[T]
    next: str | None = Field(default=None, description="cursor of the next page; null on the last")


class Page(BaseModel):
    """A cursor page: `limit` rows from after `cursor`, ordered by `(column, id)`."""

    limit: int
    cursor: str | None = None

    async def of(
        self,
        session: AsyncSession,
        statement: Select[T],
        column: InstrumentedAttribute[Any],
        key: InstrumentedAttribute[int],
        *,
        descending: bool = False,
    ) -> "Paged[T]":
        order = [column.desc(), key.desc()] if descending else [column.asc(), key.asc()]
        if after := self.after():
            if not isinstance(after[0], column.type.python_type):
                raise BadCursor
            here = tuple_(column, key)
            statement = statement.where(here < after if descending else here > after)
        rows = (await session.scalars(statement.order_by(*order).limit(self.limit + 1))).all()
        return self.cut(rows, lambda row: (getattr(row, column.key), getattr(row, key.key)))

    def cut(self, rows: Sequence[T], position: Callable[[T], tuple[Any, int]]) -> "Paged[T]":
        """These rows as a page; one more than `limit` of them says that there is a next."""
        shown = rows[: self.limit]
        return Paged(shown, _cursor(*position(shown[-1])) if len(rows) > self.limit else None)

    def after(self) -> tuple[Any, int] | None:
        """The position that the cursor names: the sort column's value (its type is the caller's to check), the id."""
        if not self.cursor:
            return None
        try:
            value, key = json.loads(base64.urlsafe_b64decode(self.cursor.encode() + b"=="))
            value = _aware(datetime.fromisoformat(value["at"])) if isinstance(value, dict) else value
            if type(key) is not int or not 0 <= key <= MAX_ID or (isinstance(value, int) and abs(value) > MAX_ID):
                raise BadCursor
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise BadCursor from error
        return value, key


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None or not EARLIEST <= moment < LATEST:
        raise BadCursor
    return moment


class Paged(Generic[T]):
    """The rows of one page, and the cursor of the next."""

    def __init__(self, items: Sequence[T], next: str | None) -> None:
        self.items, self.next = items, next


def _cursor(value: Any, key: int) -> str:
    value = {"at": value.isoformat()} if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([value, key]).encode()).decode().rstrip("=")


def _page(
    limit: Annotated[int, BeforeValidator(digits), Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Page:
    return Page(limit=limit, cursor=cursor)


CurrentPage = Annotated[Page, Depends(_page)]


# -- ranges of days --


class BadDays(Unprocessable):
    """`from` must not lie after `to`, and a request covers `most_days` at most."""


def days(most: int) -> Any:
    """The query parameters `from` and `to` as two days, both included: `Annotated[tuple[date, date], days(31)]`."""

    def asked(first: Annotated[Day, Query(alias="from")], last: Annotated[Day, Query(alias="to")]) -> tuple[date, date]:
        if not timedelta(0) <= last - first < timedelta(days=most):
            raise BadDays(most_days=most)
        return first, last

    return Depends(asked)


# -- entity tags (RFC 9110, 8.8.3) --


def tag(response: Response, version: int) -> None:
    """Show the version of what is answered as its ETag."""
    response.headers["ETag"] = f'"{version}"'


def _expected_version(if_match: Annotated[str | None, Header(max_length=100)] = None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip()
    if text.startswith("W/"):
        raise PreconditionFailed
    if len(text) < 3 or text[0] != '"' or text[-1] != '"' or not (text[1:-1].isascii() and text[1:-1].isdigit()):
        raise BadEntityTag
    return int(text[1:-1][:19])


IfMatch = Annotated[int | None, Depends(_expected_version)]
