"""`python3 -m deploy.compose.secrets`: what docker-compose.yml requires and nobody should choose by hand.

Writes a random value to `.env` for each variable that the file wants (`${NAME:?…}`) and `.env` lacks, and a key that
signs tokens. What is there stays, so it may be run again. Needs nothing but Python: a machine that has Docker may have
none of our packages.
"""

import base64
import os
import re
import secrets
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
REQUIRED = re.compile(r"\$\{(\w+):\?")
GIVEN = re.compile(r"^\s*(?:export\s+)?(\w+)=(.*)$", re.MULTILINE)
SECRETS_KEYS = "MDH_SECRETS_KEYS"
SECRET_STRIPE_KEY, PUBLIC_STRIPE_KEY = "MDH_STRIPE_API_KEY", "MDH_STRIPE_PUBLISHABLE_KEY"
PREFIXES = {SECRET_STRIPE_KEY: "sk_test_", "MDH_STRIPE_WEBHOOK_SECRET": "whsec_"}
# PKCS8 of an Ed25519 key is this and the 32 bytes of the key, which may be any (RFC 8410).
ED25519_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")


def main() -> None:
    environment, keys = ROOT / ".env", ROOT / ".secrets" / "keys"
    made = complete_environment(environment)
    print(f"{environment}: {len(made)} added" if made else f"{environment}: complete")
    kid = make_signing_key(keys)
    print(f"{keys}: {kid}.pem added" if kid else f"{keys}: has a key")


def complete_environment(path: Path) -> dict[str, str]:
    """Add what is missing to the file, which is then readable by its owner only. Answers what was added."""
    before = path.read_text() if path.exists() else ""
    given = {name: value for name, value in GIVEN.findall(before) if value.strip()}
    added = missing(given)
    if added:
        lines = "".join(f"{name}={value}\n" for name, value in added.items())
        _write(path, before + ("" if before.endswith("\n") or not before else "\n") + lines, mode=0o600)
    return added


def missing(given: dict[str, str]) -> dict[str, str]:
    """A random value for each required variable that is not among the given ones."""
    required = dict.fromkeys(REQUIRED.findall((ROOT / "docker-compose.yml").read_text()))
    made = {name: PREFIXES.get(name, "") + secrets.token_hex(24) for name in required if name not in given}
    if SECRETS_KEYS in made:  # of the form that Fernet wants
        made[SECRETS_KEYS] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    if PUBLIC_STRIPE_KEY in made:
        # The sandbox derives it like this; Stripe tells both.
        secret = (given | made)[SECRET_STRIPE_KEY]
        made[PUBLIC_STRIPE_KEY] = "pk" + secret.removeprefix("sk")
    return made


def make_signing_key(directory: Path) -> str | None:
    """A first key, and its id; None if there is one.

    The containers' user must be able to read it, so what protects it here is the directory above, which others cannot
    enter: that directory should hold nothing else.
    """
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    directory.parent.chmod(0o700)
    if any(directory.glob("*.pem")):
        return None
    kid = secrets.token_hex(8)
    body = base64.b64encode(ED25519_PKCS8 + secrets.token_bytes(32)).decode()
    _write(directory / f"{kid}.pem", f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n", mode=0o444)
    return kid


def _write(path: Path, content: str, *, mode: int) -> None:
    """Whole or not at all, and never readable by others in between."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(content)
    draft.chmod(mode)
    draft.replace(path)


if __name__ == "__main__":
    main()
