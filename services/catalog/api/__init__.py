"""HTTP of catalog."""

from . import (
    affiliates,
    bulk,
    categories,
    config,
    onboarding,
    price_checks,
    prices,
    promotions,
    search,
    service_area,
    services,
)

routers = [
    search.router,
    affiliates.router,
    onboarding.router,
    service_area.router,
    services.router,
    bulk.router,
    categories.router,
    prices.router,
    price_checks.router,
    promotions.router,
    config.router,
]
