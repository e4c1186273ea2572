"""How dates are written, by language: never so that the day could be the month.

Times are the company's (accounts.middleware), which each page says once.
"""
