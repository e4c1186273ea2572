"""What the guard costs and what the list page gains, measured side by side: `make bench`."""
