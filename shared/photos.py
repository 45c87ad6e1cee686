"""Photos are elsewhere: what is kept is where, and only what any browser may be sent to."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

MAX_URL = 500

PLAIN = re.compile(r"https://[!#-;=?-\[\]-~]+")  # ASCII without spaces, quotes, < > and \\
# Names with a dot whose last part begins with a letter: no address in figures, in whatever notation, is one.
HOST = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
PRIVATE = {
    "arpa", "corp", "home", "internal", "intranet", "invalid", "lan", "local", "localhost", "onion", "private", "test",
}  # fmt: skip


def public_url(url: str) -> str:
    """The URL, or ValueError: https, a public name, no credentials, no port but the usual."""
    if not PLAIN.fullmatch(url):
        raise ValueError("is not an https URL in plain ASCII")
    host = re.split("[/?#]", url.removeprefix("https://"), maxsplit=1)[0].lower().removesuffix(":443")
    if not HOST.fullmatch(host) or host.rsplit(".", 1)[1] in PRIVATE:
        raise ValueError("is not at a public host's name, without credentials and port")
    return url


def _once(urls: list[str]) -> list[str]:
    if len(set(urls)) < len(urls):
        raise ValueError("names a photo twice")
    return urls


PhotoUrl = Annotated[
    str,
    Field(max_length=MAX_URL, description="https, at a public host's name; shown as it is, fetched by nobody of ours"),
    AfterValidator(public_url),
]
PhotoUrls = Annotated[list[PhotoUrl], AfterValidator(_once)]
