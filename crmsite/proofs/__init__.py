"""Attacks on what the site shows, keeps and calls. Importing the modules registers them."""

from crmsite.proofs import channel, cookies, figures, outbound, pages

__all__ = ["channel", "cookies", "figures", "outbound", "pages"]
