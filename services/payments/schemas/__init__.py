"""What payments' API takes and gives."""
