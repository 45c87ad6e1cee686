"""Every read of booking, and every lock."""
