#!/usr/bin/env python3
"""The sealed file that an authority gets: one passphrase opens it, on any machine.

    python3 packages.py FILE > orders.json

    file = "COVENANT1" | salt (16 bytes) | nonce (12) | ciphertext and tag
    key  = scrypt(passphrase, salt, n=2**15, r=8, p=1), 32 bytes; the cipher is AES-256-GCM, with
           what stands before the ciphertext as its associated data

It runs by itself, too, with the library `cryptography` as its only need.
"""

from __future__ import annotations

import os
import secrets
import sys
from getpass import getpass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC: Final = b"COVENANT1"
SALT, NONCE = 16, 12
LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # none looks like another
GROUPS, GROUP = 7, 5  # 173 bits


class Unopened(Exception):
    """Another passphrase, or a file that was changed."""


def new_passphrase() -> str:
    groups = ("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)


def seal(content: bytes, passphrase: str) -> bytes:
    header = MAGIC + os.urandom(SALT + NONCE)
    return header + _cipher(passphrase, header).encrypt(header[-NONCE:], content, header)


def unseal(package: bytes, passphrase: str) -> bytes:
    """The content. Raises Unopened."""
    header = package[: len(MAGIC) + SALT + NONCE]
    try:
        return _cipher(passphrase, header).decrypt(header[-NONCE:], package[len(header) :], header)
    except (InvalidTag, ValueError):
        raise Unopened("This passphrase does not open this file.") from None


def _cipher(passphrase: str, header: bytes) -> AESGCM:
    salt = header[len(MAGIC) : len(MAGIC) + SALT]
    return AESGCM(Scrypt(salt, length=32, n=2**15, r=8, p=1).derive(passphrase.strip().encode()))


if __name__ == "__main__":
    sealed = Path(sys.argv[1]).read_bytes()
    sys.stdout.buffer.write(unseal(sealed, getpass("Passphrase: ")))
