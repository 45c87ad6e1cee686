"""Measurements that anybody can repeat: `make bench`, on a system of its own, over loopback only."""
