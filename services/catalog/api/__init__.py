"""HTTP of catalog."""

from . import affiliates, categories, config, prices, search, service_area, services

routers = [
    search.router,
    affiliates.router,
    service_area.router,
    services.router,
    categories.router,
    prices.router,
    config.router,
]
