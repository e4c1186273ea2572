"""Attacks on orders, by who attacks or what is attacked. Importing the modules registers them."""

from orders.proofs import admission, deeds, disclosures, leaks, leaving, strangers

__all__ = ["admission", "deeds", "disclosures", "leaks", "leaving", "strangers"]
