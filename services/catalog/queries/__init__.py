"""Every read of catalog, and every lock."""
