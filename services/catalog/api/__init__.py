"""HTTP of catalog."""

from . import affiliates, config, services

routers = [affiliates.router, services.router, config.router]
