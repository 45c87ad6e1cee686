"""What a request asks for, once its caller, its route and its parameters are known."""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request

from .form import Tree, parse_form
from .refusal import TurnedAway
from .routes import Operation, find_operation
from .settings import Settings

LARGEST_BODY = 1_000_000
LONGEST_KEY = 255
NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth "
    "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or "
    "we can help at https://support.stripe.com/."
)


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    operation: Operation
    identifiers: tuple[str, ...]
    tree: Tree
    key: str | None
    by_customer: bool

    @property
    def fingerprint(self) -> str:
        """Equal for two requests exactly when their parameters are."""
        return sha256(json.dumps(self.tree, sort_keys=True).encode()).hexdigest()


async def read_request(request: Request, settings: Settings) -> Asked:
    tree = await _parameters(request)
    by_customer = _is_customer(_api_key(request, tree), settings)
    operation, identifiers = find_operation(request.method, request.url.path)
    if by_customer and not operation.public:
        message = "This API call cannot be made with a publishable API key. Please use a secret API key."
        raise TurnedAway(message, status=401, code="secret_key_required")
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise TurnedAway(f"Idempotency keys have between 1 and {LONGEST_KEY} characters.", kind="idempotency_error")
    return Asked(request.method, request.url.path, operation, identifiers, tree, key, by_customer)


async def _parameters(request: Request) -> Tree:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise TurnedAway("The request is too large.", status=413)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        message = "Invalid request (check that your POST content type is application/x-www-form-urlencoded)."
        raise TurnedAway(message)
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError as error:
        raise TurnedAway("Invalid request: the parameters could not be read.") from error
    return parse_form("&".join(part for part in (request.url.query, text) if part))


def _api_key(request: Request, tree: Tree) -> str:
    """From the header, as bearer or as the user of basic auth, or from the `key` parameter that clients send."""
    given = tree.pop("key", None)
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return given if isinstance(given, str) else ""


def _is_customer(key: str, settings: Settings) -> bool:
    if not key:
        raise TurnedAway(NO_KEY, status=401)
    if hmac.compare_digest(key.encode(), settings.api_key.encode()):
        return False
    if hmac.compare_digest(key.encode(), settings.publishable_key.encode()):
        return True
    raise TurnedAway(f"Invalid API Key provided: {key[:8]}{'*' * 8}", status=401)
