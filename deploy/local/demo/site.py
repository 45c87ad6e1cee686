"""Where a running system is reached, and who administers it."""

from dataclasses import dataclass, field

from ..environment import LOCALHOST, gateway_url, mail_url, service_environment
from ..home import Home
from ..servers import servers_of
from ..staff import ADMIN_EMAIL, ensure_admin
from ..state import State


@dataclass(frozen=True)
class Site:
    """`databases` maps each service to its database; empty where only HTTP is known."""

    gateway: str
    mail: str
    stripe: str
    admin_email: str
    admin_password: str = field(repr=False)
    databases: dict[str, str] = field(default_factory=dict, repr=False)


def site_of(home: Home) -> Site:
    """The local system. It gets its administrator now if it was started without demo data."""
    state = State.load(home.state)
    servers, password = servers_of(home, state), state.secret("people")
    state.save(home.state)
    ensure_admin(service_environment("identity", "api", home, state, servers), password)
    return Site(
        gateway=gateway_url(state),
        mail=mail_url(state),
        stripe=f"http://{LOCALHOST}:{state.ports['stripe']}",
        admin_email=ADMIN_EMAIL,
        admin_password=password,
        databases={
            service: servers.database_url(service, passwords["app"]) for service, passwords in state.passwords().items()
        },
    )
