"""The words of each notice: `templates/<kind>.txt` says it, `templates/mail.*` is the letter around it.

The words are made once, when the notice is; the app shows them as they are, an e-mail puts them into a letter.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from shared.money import shown

from .domain.addressee import Addressee
from .domain.notice import Notice
from .domain.people import Contact
from .links import Link

MAX_TITLE = 255
PARAGRAPH = "\n\n"


@dataclass(frozen=True)
class Words:
    title: str
    message: str


def one_line(text: str) -> str:
    """Names and reasons are other people's: no line break, direction mark or other control of theirs goes further."""
    shown = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.split())


def local(moment: str, timezone: str) -> str:
    """An RFC 3339 time as clocks in `timezone` show it: `Tuesday, November 24, 2026 at 9:00 AM EST`."""
    at = datetime.fromisoformat(moment).astimezone(_zone(timezone))
    return f"{at:%A, %B} {at.day}, {at.year} at {_clock(at)} {at:%Z}"


def between(moment: str, timezone: str, minutes: int) -> str:
    """From a time until so much later: `9:00 AM and 9:30 AM EST`."""
    first = datetime.fromisoformat(moment)
    one, other = (at.astimezone(_zone(timezone)) for at in (first, first + timedelta(minutes=minutes)))
    return f"{_clock(one)} and {_clock(other)} {other:%Z}"


def _clock(at: datetime) -> str:
    return f"{at.hour % 12 or 12}:{at:%M %p}"


def day(iso: str) -> str:
    """`Tuesday, November 24, 2026`."""
    at = date.fromisoformat(iso)
    return f"{at:%A, %B} {at.day}, {at.year}"


def clock(minute: int) -> str:
    """Minutes from midnight as `9:00 AM`."""
    hour = minute // 60
    return f"{hour % 12 or 12}:{minute % 60:02} {'AM' if hour < 12 else 'PM'}"


def _zone(name: str) -> ZoneInfo:
    """An unknown zone is no reason to say nothing: UTC, and the text says so."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        finalize=lambda value: one_line(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"money": shown, "local": local, "between": between, "day": day, "clock": clock}
    return made


def words_of(notice: Notice, contact: Contact | Addressee) -> Words:
    """What the notice says to this person. `zone` in a template is theirs, `timezone` the appointment's."""
    template = _templates().get_template(f"{notice.kind}.txt")
    context = template.new_context({**notice.facts, "zone": contact.timezone})
    title, message = ("".join(template.blocks[name](context)) for name in ("title", "message"))
    paragraphs = [one_line(paragraph) for paragraph in message.split(PARAGRAPH)]
    return Words(one_line(title)[:MAX_TITLE], PARAGRAPH.join(filter(None, paragraphs)))


def letter(form: str, *, title: str, message: str, name: str, link: Link) -> str:
    """The words as a letter, `form` being `txt` or `html`."""
    values: dict[str, Any] = {"title": title, "paragraphs": message.split(PARAGRAPH), "name": name, "link": link}
    return _templates().get_template(f"mail.{form}").render(values)
