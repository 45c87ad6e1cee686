"""Reputation: what customers say of affiliates, and what it comes to."""
