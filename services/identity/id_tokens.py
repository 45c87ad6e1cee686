"""What an OpenID provider says: its discovery document, and ID tokens, checked with Authlib and joserfc. No I/O."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import structlog
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from shared.errors import Refusal

from .domain.oidc import ProviderUnsound, Secrets

log = structlog.get_logger()

LEEWAY = 60  # seconds that the provider's clock may be off
MAX_SUBJECT = 255
# What a provider may sign with; whatever needs no secret but ours, or no key at all, is not among them.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)


class Metadata(BaseModel):
    """What we need of a provider's discovery document."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    id_token_signing_alg_values_supported: list[str] = ["RS256"]
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    authorization_response_iss_parameter_supported: bool = False

    @model_validator(mode="after")
    def _protected(self) -> "Metadata":
        """As well as the issuer is: https, unless this is a provider on one's own machine."""
        scheme = urlsplit(self.issuer).scheme
        for url in (self.authorization_endpoint, self.token_endpoint, self.jwks_uri, self.userinfo_endpoint):
            if url is not None and urlsplit(url).scheme not in {"https", scheme}:
                raise ValueError("names an endpoint without https")
        return self


class IdToken:
    """For one sign-in of ours: `client_id` is who we are to this provider, `nonce` follows from its secrets."""

    def __init__(self, metadata: Metadata, client_id: str, tokens: dict[str, Any]) -> None:
        self._metadata, self._ours, self._tokens = metadata, client_id, tokens

    def claims(self, keys: dict[str, Any], secrets: Secrets) -> dict[str, Any]:
        """Signed by this issuer, for us, just now, for this sign-in. `InvalidKeyIdError` if `keys` are too old."""
        issuer = self._metadata.issuer
        wanted = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": self._ours}}
        known = {"nonce": secrets.nonce, "client_id": self._ours, "access_token": self._tokens.get("access_token")}
        token = jwt.decode(
            self._tokens["id_token"], KeySet.import_key_set({"keys": keys["keys"]}), registry=self._signed()
        )
        claims = CodeIDToken(token.claims, token.header, wanted, known)
        claims.validate(leeway=LEEWAY)
        if not 0 < len(claims["sub"]) <= MAX_SUBJECT or not claims["sub"].isprintable():
            raise ValueError("names nobody")
        return dict(claims)

    def _signed(self) -> JWSRegistry:
        """With what the provider says that it signs with, as far as we take it."""
        algorithms = [each for each in self._metadata.id_token_signing_alg_values_supported if each in ALGORITHMS]
        if not algorithms:
            raise ValueError("signs with nothing that we take")
        return JWSRegistry(algorithms=algorithms, strict_check_header=False)


@contextmanager
def sound() -> Iterator[None]:
    """Whatever is wrong with what a provider says, it is not for the user to know: the log says it."""
    try:
        yield
    except Refusal:
        raise
    except Exception as error:
        log.warning("oidc.unsound", error=type(error).__name__, reason=_reason(error))
        raise ProviderUnsound from error


def _reason(error: Exception) -> str:
    """Without what the provider said: that may be about somebody."""
    return "" if isinstance(error, ValidationError) else str(error)[:200]
