"""The demo companies Aurora and Borealis: invented people and orders, for development only."""
