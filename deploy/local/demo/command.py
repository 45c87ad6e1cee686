"""`python -m deploy.local demo`: the path on the local system, or on any other that its addresses are given of."""

import argparse
import asyncio
import os
import sys

from ..failure import CannotRun
from ..home import Home
from ..screen import say
from . import trail
from .http import Unexpected
from .options import PASSWORD
from .path import Walk, walk
from .report import Report
from .site import Site, site_of


def demo(home: Home, chosen: argparse.Namespace) -> int:
    """0 if every step went as it should."""
    return asyncio.run(show(_site(home, chosen), Report(chosen.patience)))


def _site(home: Home, chosen: argparse.Namespace) -> Site:
    if chosen.gateway is None:
        if not home.state.exists():
            raise CannotRun(f"nothing runs in {home.path}; `make up` starts the system")
        return site_of(home)
    if chosen.mail is None or chosen.stripe is None or PASSWORD not in os.environ:
        raise CannotRun(f"with --gateway, --mail and --stripe are needed too, and {PASSWORD} in the environment")
    addresses = (chosen.gateway.rstrip("/"), chosen.mail.rstrip("/"), chosen.stripe.rstrip("/"))
    return Site(*addresses, chosen.admin_email, os.environ[PASSWORD])


async def show(site: Site, report: Report) -> int:
    say(f"From search to review, through {site.gateway}")
    async with walk(site, report) as path:
        try:
            affiliate = await path.all_the_way()
        except Unexpected as error:
            print(f"\nThe demo failed. {error}", file=sys.stderr)
            return 1
        await _show_events(path, affiliate["id"])
    report.done()
    return 0


async def _show_events(path: Walk, affiliate_id: int) -> None:
    """Where there are databases to read; analytics' numbers were shown to everybody."""
    if path.site.databases:
        people = [(await person.me())["id"] for person in (path.owner, path.customer)]
        trail.show(await trail.trail(path.site.databases, affiliate_id, people))
