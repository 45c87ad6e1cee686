"""What `demo` may be told. Apart, because every command reads it and few need what the demo is made of."""

import argparse

from ..staff import ADMIN_EMAIL

PASSWORD = "MDH_ADMIN_PASSWORD"  # noqa: S105 - the variable that holds it
PATIENCE = 60.0  # seconds


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gateway", metavar="URL", help="another system than the local one")
    parser.add_argument("--mail", metavar="URL", help="its mail catcher")
    parser.add_argument("--stripe", metavar="URL", help="its Stripe sandbox")
    parser.add_argument("--admin-email", default=ADMIN_EMAIL, help=f"its administrator; {PASSWORD} has the password")
    parser.add_argument("--patience", type=float, default=PATIENCE, metavar="SECONDS", help="how long to wait at most")
