"""HTTP of catalog."""

from . import affiliates, categories, config, prices, service_area, services

routers = [
    affiliates.router,
    service_area.router,
    services.router,
    categories.router,
    prices.router,
    config.router,
]
