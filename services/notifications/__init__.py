"""What was said to whom: notices in the app, e-mails, and the log of both."""
