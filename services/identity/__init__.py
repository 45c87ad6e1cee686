"""Who you are, what you may do: accounts, customers, teams, sessions, keys."""
