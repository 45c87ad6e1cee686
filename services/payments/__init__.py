"""Money: charged, refunded, and checked against what the provider says."""
