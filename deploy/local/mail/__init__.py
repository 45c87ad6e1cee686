"""A mail server that keeps every message it is given and shows it to a developer instead of delivering it."""
