"""The same list page as most would write it: what ours is measured against.

ORM objects with select_related, one Django template, `filter(company=…)` in Python, nothing sealed,
Django's own sessions. It is given all that is fair: the same pool, frame, filters and indexes.
"""
