"""What happened, counted: every event of every service, and numbers per day."""
