"""Every change of catalog: load, decide, announce."""
