"""Attacks on orders, by who attacks or what is attacked. Importing the modules registers them."""

from orders.proofs import admission, buyers, deeds, disclosures, leaks, leaving, links, strangers

__all__ = ["admission", "buyers", "deeds", "disclosures", "leaks", "leaving", "links", "strangers"]
