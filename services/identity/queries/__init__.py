"""Every read of identity, and every lock."""
