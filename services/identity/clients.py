"""The OpenID providers that people may sign in with (OpenID Connect Core, authorization code flow with PKCE).

The only module that talks to them, and only to the issuers that the settings name. One answer is 10 s and 200 KB at
most; redirects are not followed. What is asked and what is checked comes from Authlib, the calls are made with httpx.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext
from typing import Any

import httpx
import structlog
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.discovery import get_well_known_url
from joserfc.errors import InvalidKeyIdError

from .domain.oidc import Claimed, NoSuchProvider, ProviderAway, Secrets, SignInLost
from .id_tokens import IdToken, Metadata, sound
from .settings import OpenIdProvider, Settings

log = structlog.get_logger()

PATIENCE = 10.0  # seconds for one answer, as a whole
LARGEST = 200_000  # bytes of an answer
KNOWN_FOR = 600.0  # seconds that metadata and keys are kept
AUTHENTICATION = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True)
class CallBack:
    """What the browser brings back from the provider."""

    code: str | None = None
    error: str | None = None
    iss: str | None = None


@cache
def _authorities() -> SSLContext:
    """Whose certificates are believed; read once, because that takes longer than all else of a start."""
    return httpx.create_ssl_context(trust_env=False)


class Providers:
    """By their name in the settings."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        timeout = httpx.Timeout(PATIENCE)
        self._http = httpx.AsyncClient(
            timeout=timeout, transport=transport, verify=_authorities(), trust_env=False, follow_redirects=False
        )
        here = settings.public_url.rstrip("/")
        self._all = {
            each.name: Provider(each, f"{here}/identity/v1/oidc/{each.name}/callback", self._http)
            for each in settings.oidc_providers
        }

    def all(self) -> Sequence["Provider"]:
        return list(self._all.values())

    def get(self, name: str) -> "Provider":
        if (found := self._all.get(name)) is None:
            raise NoSuchProvider
        return found

    async def aclose(self) -> None:
        await self._http.aclose()


class Provider:
    """One issuer. Every call raises `ProviderAway` or `ProviderUnsound` if it does not do its part."""

    def __init__(self, settings: OpenIdProvider, redirect_uri: str, http: httpx.AsyncClient) -> None:
        self._settings, self._redirect_uri, self._http = settings, redirect_uri, http
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def label(self) -> str:
        return self._settings.label or self._settings.name.title()

    async def authorization_url(self, secrets: Secrets) -> str:
        metadata = await self._metadata()
        return str(
            prepare_grant_uri(
                metadata.authorization_endpoint,
                client_id=self._settings.client_id,
                response_type="code",
                redirect_uri=self._redirect_uri,
                scope=self._settings.scopes,
                state=secrets.state,
                nonce=secrets.nonce,
                code_challenge=create_s256_code_challenge(secrets.verifier),
                code_challenge_method="S256",
            )
        )

    async def must_have_answered(self, back: CallBack) -> None:
        """The answer is this issuer's, and not that of another which mixes itself in (RFC 9207)."""
        metadata = await self._metadata()
        named = back.iss is not None or metadata.authorization_response_iss_parameter_supported
        if named and back.iss != metadata.issuer:
            raise SignInLost

    async def identify(self, code: str, secrets: Secrets) -> Claimed:
        """Who signed in there, for this code."""
        metadata = await self._metadata()
        tokens = await self._tokens(metadata, code, secrets)
        claims = await self._verified(metadata, tokens, secrets)
        if "email" not in claims and metadata.userinfo_endpoint and isinstance(tokens.get("access_token"), str):
            claims = await self._user_info(metadata.userinfo_endpoint, tokens["access_token"], claims["sub"]) | claims
        return self._claimed(claims)

    # -- what it is asked --

    async def _metadata(self) -> Metadata:
        document = await self._remembered(get_well_known_url(self._settings.issuer, external=True))
        with sound():
            metadata = Metadata.model_validate(document)
            if metadata.issuer != self._settings.issuer:
                raise ValueError("is another issuer's")
        return metadata

    async def _tokens(self, metadata: Metadata, code: str, secrets: Secrets) -> dict[str, Any]:
        form = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self._redirect_uri, code_verifier=secrets.verifier
        )
        offered = metadata.token_endpoint_auth_methods_supported
        method = next((each for each in AUTHENTICATION if each in offered), AUTHENTICATION[0])
        client = ClientAuth(self._settings.client_id, self._settings.client_secret.get_secret_value(), method)
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        url, headers, form = client.prepare("POST", metadata.token_endpoint, headers, form)
        return await self._ask("POST", url, headers=headers, content=form)

    async def _user_info(self, url: str, access_token: str, subject: str) -> dict[str, Any]:
        told = await self._ask("GET", url, headers={"Authorization": f"Bearer {access_token}"})
        with sound():
            if told.get("sub") != subject:
                raise ValueError("tells of somebody else")
        return told

    async def _remembered(self, url: str, *, anew: bool = False) -> dict[str, Any]:
        since, document = self._known.get(url, (0.0, {}))
        if not document or anew or time.monotonic() - since > KNOWN_FOR:
            document = await self._ask("GET", url)
            self._known[url] = (time.monotonic(), document)
        return document

    async def _ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """The JSON object that it answers. `SignInLost` for 400: the code is not, or no longer, what it takes."""
        more["headers"] = {"Accept-Encoding": "identity"} | more.get("headers", {})
        try:
            async with asyncio.timeout(PATIENCE), self._http.stream(method, url, **more) as answer:
                body = await _bounded(answer)
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            log.warning("oidc.away", provider=self.name, error=repr(error))
            raise ProviderAway from error
        if answer.status_code >= 500 or answer.status_code == 429:
            log.warning("oidc.away", provider=self.name, status=answer.status_code)
            raise ProviderAway
        with sound():
            told = json.loads(body)
            if not isinstance(told, dict):
                raise ValueError("is no object")
            if answer.status_code == 400 and told.get("error") == "invalid_grant":
                raise SignInLost
            if answer.status_code != 200:
                raise ValueError(f"status {answer.status_code}")
        return told

    # -- what it says --

    async def _verified(self, metadata: Metadata, tokens: dict[str, Any], secrets: Secrets) -> dict[str, Any]:
        """The claims of the ID token; signed with a key that is new to us, the keys are read anew."""
        token = IdToken(metadata, self._settings.client_id, tokens)
        with sound():
            try:
                return token.claims(await self._remembered(metadata.jwks_uri), secrets)
            except InvalidKeyIdError:
                return token.claims(await self._remembered(metadata.jwks_uri, anew=True), secrets)

    def _claimed(self, claims: dict[str, Any]) -> Claimed:
        def text(name: str) -> str | None:
            return value if isinstance(value := claims.get(name), str) else None

        return Claimed(
            provider=self.name,
            issuer=self._settings.issuer,
            subject=claims["sub"],
            email=text("email"),
            email_verified=claims.get("email_verified") is True,
            name=text("name"),
            locale=text("locale"),
            timezone=text("zoneinfo"),
        )


async def _bounded(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > LARGEST:
            raise httpx.DecodingError("larger than any answer has to be")
    return bytes(body)
