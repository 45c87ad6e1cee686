"""`python -m deploy.local up|down|reset|status|logs|install|demo`: the whole system on one machine, no containers."""

import argparse
import importlib
import sys
from pathlib import Path

from shared.testing.servers import MissingBinary, ServerFailed

from .demo.options import add_options
from .failure import CannotRun, explained
from .home import ROOT, Home


def main(arguments: list[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    try:
        return _run(chosen, Home(chosen.home))
    except (CannotRun, MissingBinary, ServerFailed) as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        print("\nInterrupted. What was started keeps running: `up` completes it, `down` stops it.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    except OSError as error:
        if reason := explained(error):
            return _failed(reason)
        raise


def _run(chosen: argparse.Namespace, home: Home) -> int:
    """Commands are imported when they are asked for: `status` should not wait for what `up` needs."""
    match chosen.command:
        case "up":
            importlib.import_module("deploy.local.up").up(home, seed=chosen.seed)
        case "down" | "reset":
            getattr(importlib.import_module("deploy.local.down"), chosen.command)(home)
        case "logs":
            importlib.import_module("deploy.local.logs").logs(home, chosen.name, follow=chosen.follow)
        case "install":
            importlib.import_module("deploy.local.install").ensure_installed()
        case "status":
            return int(importlib.import_module("deploy.local.status").status(home))
        case "demo":
            return int(importlib.import_module("deploy.local.demo.command").demo(home, chosen))
    return 0


def _failed(message: str) -> int:
    print(f"\nCannot go on: {message}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("--home", type=Path, default=ROOT / ".mdh", help="where the system keeps everything")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start what does not run yet")
    up.add_argument("--no-seed", dest="seed", action="store_false", help="without demo data")
    commands.add_parser("down", help="stop everything, keep the data")
    commands.add_parser("reset", help="stop everything and delete the data")
    commands.add_parser("status", help="what runs, where")
    commands.add_parser("install", help="install PostgreSQL, RabbitMQ and nginx, if they are missing")
    add_options(commands.add_parser("demo", help="book, pay and review through the gateway"))
    logs = commands.add_parser("logs", help="what the programs say")
    logs.add_argument("name", nargs="?", help="one of those in `status`; all of them otherwise")
    logs.add_argument("-f", "--follow", action="store_true")
    for command in commands.choices.values():
        command.add_argument("--home", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
