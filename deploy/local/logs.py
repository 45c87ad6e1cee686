"""`logs`: the programs' own words, from all or one of them."""

import os

from .failure import CannotRun
from .home import Home

LINES = 40
LINES_OF_ALL = 5


def logs(home: Home, name: str | None, *, follow: bool) -> None:
    """Becomes `tail`, which knows how to follow files that are rotated."""
    known = sorted(path.stem for path in home.logs.glob("*.log")) if home.logs.exists() else []
    if name and name not in known:
        raise CannotRun(f"no log of {name!r}; there are: {', '.join(known) or 'none yet'}")
    if not known:
        raise CannotRun(f"no logs in {home.logs}; `make up` starts the system")
    chosen = [str(home.log(name))] if name else [str(home.log(each)) for each in known]
    lines = str(LINES if name else LINES_OF_ALL)
    os.execvp("tail", ["tail", "-n", lines, *(["-F"] if follow else []), *chosen])  # noqa: S606, S607
