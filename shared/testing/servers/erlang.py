"""A quicker boot for RabbitMQ: Erlang looks for each module in every directory that it was given.

Debian's package puts the seventy directories of all plugins on that path, and most of the boot is spent on looking in
vain (8.5 s on 2 cores; 3 s without). So the node gets a directory of links to what it uses: the plugins that are
switched on and what they need, by their own lists of applications.
"""

import re
from collections.abc import Sequence
from pathlib import Path

APPLICATIONS = re.compile(r"\{(?:included_)?applications,\s*\[([^\]]*)\]")


def link_programs(directory: Path, script: Path, wanted: Sequence[str]) -> None:
    """Does nothing where RabbitMQ is laid out otherwise; it then boots from its own directories."""
    home = script.resolve().parent.parent
    plugins = _plugins(home)
    if not set(wanted) <= set(plugins):
        return
    (directory / "plugins").mkdir(parents=True, exist_ok=True)
    for link in (directory / "plugins").iterdir():
        link.unlink()
    for name in _closure(wanted, plugins):
        (directory / "plugins" / plugins[name].name).symlink_to(plugins[name])
    for part in ("sbin", "escript"):
        (directory / part).unlink(missing_ok=True)
        (directory / part).symlink_to(home / part)


def narrow(directory: Path, script: Path) -> dict[str, str]:
    """What the script has to be told to use the links. It takes the parent of its scripts for its home."""
    if not (directory / "sbin" / script.name).exists():
        return {}
    return {"RABBITMQ_SCRIPTS_DIR": str(directory / "sbin"), "RABBITMQ_PLUGINS_DIR": str(directory / "plugins")}


def _plugins(home: Path) -> dict[str, Path]:
    directories = (home / "plugins").glob("*/ebin")
    return {ebin.parent.name.split("-")[0]: ebin.parent for ebin in directories}


def _closure(wanted: Sequence[str], plugins: dict[str, Path]) -> set[str]:
    """The wanted applications and all that they need and RabbitMQ brings; the rest is Erlang's own."""
    needed: set[str] = set()
    open_names = list(wanted)
    while open_names:
        name = open_names.pop()
        if name in needed or name not in plugins:
            continue
        needed.add(name)
        description = (plugins[name] / "ebin" / f"{name}.app").read_text()
        open_names += [dep for found in APPLICATIONS.findall(description) for dep in re.findall(r"\w+", found)]
    return needed
