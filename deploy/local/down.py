"""`down` and `reset`."""

import shutil

from shared.testing.servers import private_directory

from .failure import CannotRun
from .home import Home
from .lock import locked
from .screen import say, step
from .supervision import Supervision

# Services go first, so that they can finish what they have in work with the servers still there.
SERVERS = ("postgres", "epmd", "rabbitmq")


def down(home: Home) -> None:
    """Exactly what `up` started, through its supervisor."""
    if not home.state.exists():
        say(f"Nothing runs in {home.path}.")
        return
    with locked(home):
        _stop(home)


def reset(home: Home) -> None:
    """Also deletes the data, the secrets and the choice of ports."""
    if not home.path.exists():
        say(f"Nothing to delete in {home.path}.")
        return
    if not home.state.exists() and any(home.path.iterdir()):
        raise CannotRun(f"{home.path} does not look like a home of this system; nothing was deleted")
    with locked(home):
        _stop(home)
        private_directory.remove(home / "postgres" / "data")
        shutil.rmtree(home.path)
    say(f"Deleted {home.path}.")


def _stop(home: Home) -> None:
    supervision = Supervision(home)
    running = supervision.running()
    if not running and supervision.process() is None:
        say(f"Nothing runs in {home.path}.")
        return
    with step("services", "stopped"):
        supervision.stop(running - set(SERVERS))
    with step("servers", "stopped"):
        supervision.stop(running & set(SERVERS))
        supervision.shut_down()
