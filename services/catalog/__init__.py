"""Who offers what, where, at what price; and the platform's configuration."""
