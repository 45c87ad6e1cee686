"""The seven services. Each is a folder of its own and meets the others only in `shared.contracts`."""
