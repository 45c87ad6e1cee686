"""Every change of identity: load, decide, announce."""
