"""A job's pass on its way to the worker, sealed: the table of jobs is no place for secrets.

The key derives from SECRET_KEY, so a copy of the database alone opens no pass.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from accounts import gate
from accounts.gate import Entry

NONCE = 12  # bytes


class PassEnded(Exception):
    """The job's pass opens nothing any more: it is over, its holder may no longer do this, or what
    it was to do is done or gone."""


class PassLost(PassEnded):
    """What was sealed can't be opened: SECRET_KEY has changed, or it belongs to another job."""


def queue(task: str, secret: str, *, queue: str, name: str, **arguments: Any) -> None:
    """Have a worker carry out `task` under this pass, as `gate.queue_job` does."""
    sealed = seal(secret, job=name)
    gate.queue_job(task, queue=queue, name=name, sealed_pass=sealed, **arguments)


@contextmanager
def working(secret: str, permission: str) -> Iterator[Entry]:
    """One step of a job, under its pass. Raises PassEnded where that opens nothing any more, or its
    holder has no right to this or has not accepted every policy."""
    with gate.carrying(secret) as by:
        if not by.user_id or by.missing or not by.may(permission):
            raise PassEnded
        yield by


def seal(secret: str, *, job: str) -> str:
    """The pass as text, which opens for the job of that name alone."""
    nonce = os.urandom(NONCE)
    sealed = nonce + _cipher().encrypt(nonce, secret.encode(), job.encode())
    return base64.urlsafe_b64encode(sealed).decode()


def unseal(sealed: str, *, job: str) -> str:
    """The secret again. Raises PassLost."""
    try:
        blob = base64.urlsafe_b64decode(sealed)
        return _cipher().decrypt(blob[:NONCE], blob[NONCE:], job.encode()).decode()
    except (InvalidTag, ValueError):
        raise PassLost("This job's pass can't be opened.") from None


@cache
def _cipher() -> AESGCM:
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"covenant job pass")
    return AESGCM(derived.derive(settings.SECRET_KEY.encode()))
