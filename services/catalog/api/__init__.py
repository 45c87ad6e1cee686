"""HTTP of catalog."""

from . import affiliates, config, service_area, services

routers = [affiliates.router, service_area.router, services.router, config.router]
