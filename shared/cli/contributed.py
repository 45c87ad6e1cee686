"""Commands that services bring to `mdh`: `services.<service>.cli` with a typer `app`, each of whose commands is one."""

import functools
import importlib
import importlib.util
from typing import Any

import typer
from typer.core import TyperGroup

from shared.provision import SERVICES


@functools.cache
def contributed() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for service in SERVICES:
        name = f"services.{service}.cli"
        if importlib.util.find_spec(name):
            found |= typer.main.get_group(importlib.import_module(name).app).commands
    return found


class WithServices(TyperGroup):
    """`mdh`'s own commands, then those of services, which are looked for only if it is none of its own: to serve one
    service no other is imported."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *contributed()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, cmd_name) or contributed().get(cmd_name)
