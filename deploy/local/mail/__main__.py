"""`python -m deploy.local.mail`: catch mail until told to stop."""

from pydantic_settings import CliApp

from .server import serve
from .settings import Settings

if __name__ == "__main__":
    serve(CliApp.run(Settings))
