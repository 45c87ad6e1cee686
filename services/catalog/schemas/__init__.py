"""What catalog's API takes and gives."""
