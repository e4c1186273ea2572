"""The operator's master key as the environment spells it; while it is being rotated, several."""

import base64

from django.core.exceptions import ImproperlyConfigured

BYTES = 32


def spelled(given: str) -> tuple[bytes, ...]:
    """The keys that MASTER_KEY holds in base64, between commas: the first wraps, all unwrap.

    Raises ImproperlyConfigured with the place of the first that is none, and never with a key.
    """
    parts = [part.strip() for part in given.split(",")]
    keys = tuple(map(_decoded, parts))
    for place, key in enumerate(keys, 1):
        if len(key) != BYTES:
            raise ImproperlyConfigured(
                "MASTER_KEY must be 32 bytes in base64 (openssl rand -base64 32), or several such "
                f"keys, the newest first, with commas between: number {place} of {len(keys)} is "
                "not."
            )
    return keys


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
