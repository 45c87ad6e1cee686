"""What each process is told. A new setting of a service is one line here."""

import os
from collections.abc import Mapping
from pathlib import Path

from shared.testing.servers.binaries import search_path

from .home import Home
from .servers import Servers
from .state import State

LOCALHOST = "127.0.0.1"
MAIL_FROM = "Mobile Detail Hub <hello@mobiledetailhub.example>"
STAFF_EMAIL = "support@mobiledetailhub.example"
GENEROUS = "100"  # times the limits on attempts: everybody here has the same address
PASSED_ON = ("MDH_LOG_LEVEL", "MDH_OTLP_ENDPOINT", "MDH_DATABASE_POOL", "MDH_PREFETCH")


def clean_environment() -> dict[str, str]:
    """Nothing of the terminal's gets into the system: it would differ from one start to the next."""
    return {"PATH": search_path(), "HOME": str(Path.home()), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def gateway_url(state: State) -> str:
    return f"http://{LOCALHOST}:{state.ports['gateway']}"


def mail_url(state: State) -> str:
    """The mail catcher's inbox."""
    return f"http://{LOCALHOST}:{state.ports['mail']}"


def service_environment(service: str, role: str, home: Home, state: State, servers: Servers) -> dict[str, str]:
    passwords = state.passwords()[service]
    identity = f"http://{LOCALHOST}:{state.ports['identity-api']}"
    return {
        "MDH_PROFILE": "local",
        "MDH_SERVICE": service,
        "MDH_ROLE": role,
        "MDH_HOST": LOCALHOST,
        "MDH_PORT": str(state.ports[f"{service}-{role}"]),
        "MDH_DATABASE_URL": servers.database_url(service, passwords["app"]),
        "MDH_AMQP_URL": servers.amqp_url(service, passwords["amqp"]),
        "MDH_JWKS_URL": f"{identity}/identity/v1/.well-known/jwks.json",
        "MDH_PUBLIC_URL": gateway_url(state),
        "MDH_TRUSTED_PROXIES": LOCALHOST,
        "PYTHONUNBUFFERED": "1",
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **_own_settings(service, home, state),
    }


def _own_settings(service: str, home: Home, state: State) -> Mapping[str, str]:
    match service:
        case "identity":
            times = os.environ.get("MDH_LIMITS_TIMES", GENEROUS)
            return {
                "MDH_SIGNING_KEYS_DIR": str(home.keys),
                "MDH_SECRETS_KEYS": state.fernet_key("identity.secrets"),
                "MDH_LIMITS_TIMES": times,
                "MDH_ERASURE_DELAY_SECONDS": os.environ.get("MDH_ERASURE_DELAY_SECONDS", "120"),
                "MDH_OIDC_PROVIDERS": os.environ.get("MDH_OIDC_PROVIDERS", "[]"),
            }
        case "payments":
            secret_key = state.secret("stripe.api_key", "sk_test_")
            return {
                "MDH_STRIPE_API_KEY": secret_key,
                "MDH_STRIPE_PUBLISHABLE_KEY": "pk" + secret_key.removeprefix("sk"),
                "MDH_STRIPE_API_BASE": f"http://{LOCALHOST}:{state.ports['stripe']}",
                "MDH_STRIPE_WEBHOOK_SECRET": state.secret("stripe.webhook", "whsec_"),
            }
        case "notifications":
            return {
                "MDH_SMTP_HOST": LOCALHOST,
                "MDH_SMTP_PORT": str(state.ports["smtp"]),
                "MDH_MAIL_FROM": MAIL_FROM,
                "MDH_STAFF_EMAIL": STAFF_EMAIL,
            }
    return {}


def mail_environment(home: Home, state: State) -> dict[str, str]:
    return {
        "MDH_MAIL_HOST": LOCALHOST,
        "MDH_MAIL_SMTP_PORT": str(state.ports["smtp"]),
        "MDH_MAIL_HTTP_PORT": str(state.ports["mail"]),
        "MDH_MAIL_STATE": str(home / "mail"),
        "PYTHONUNBUFFERED": "1",
    }


def stripe_environment(home: Home, state: State) -> dict[str, str]:
    """In the environment rather than on the command line, which every user of the machine can read."""
    payments = f"http://{LOCALHOST}:{state.ports['payments-api']}"
    return {
        "MDH_SANDBOX_HOST": LOCALHOST,
        "MDH_SANDBOX_PORT": str(state.ports["stripe"]),
        "MDH_SANDBOX_STATE": str(home / "stripe.sqlite"),
        "MDH_SANDBOX_WEBHOOK_URL": f"{payments}/payments/v1/webhooks/stripe",
        "MDH_SANDBOX_WEBHOOK_SECRET": state.secret("stripe.webhook", "whsec_"),
        "MDH_SANDBOX_API_KEY": state.secret("stripe.api_key", "sk_test_"),
        "MDH_SANDBOX_PUBLIC_URL": f"http://{LOCALHOST}:{state.ports['stripe']}",
        "PYTHONUNBUFFERED": "1",
    }
