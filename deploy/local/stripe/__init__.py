"""A stateful server that speaks the part of Stripe's API that this project uses, for machines without Stripe."""
