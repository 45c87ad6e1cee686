"""What identity's API takes and gives."""
