"""What booking's API takes and gives."""
