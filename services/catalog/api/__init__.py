"""HTTP of catalog."""

from . import affiliates, config, prices, service_area, services

routers = [affiliates.router, service_area.router, services.router, prices.router, config.router]
