"""Sealing personal data: AES-256-GCM under a key per company (clause D2).

The operator's master key, from the environment, wraps each company's key; the company's key gives
a sealing key and an index key. An envelope opens only for the company, row, purpose and key version
it was sealed for: they are its associated data, so a moved or renamed envelope is a broken one.

    envelope = format (1 byte) | key version (2) | nonce (12) | ciphertext and tag
    wrapped  = format (1 byte) | master key id (4) | nonce (12) | ciphertext and tag
"""

import os
import struct
import uuid
from functools import cached_property
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

FORMAT = 1
KEY_BYTES = 32
NONCE_BYTES = 12

_ENVELOPE = struct.Struct(">BH")
_WRAPPED = struct.Struct(">B4s")


class SealBroken(Exception):
    """What was to be opened was changed, cut, moved, or sealed with another key."""


class MasterKey:
    """The operator's key, or several while it is being rotated: the first wraps, all unwrap."""

    def __init__(self, *secrets: bytes) -> None:
        if not secrets or any(len(secret) != KEY_BYTES for secret in secrets):
            raise ValueError(f"A master key has {KEY_BYTES} bytes.")
        ids = [_derive(secret, b"master id", 4) for secret in secrets]
        ciphers = [AESGCM(_derive(secret, b"master wrapping")) for secret in secrets]
        self._ciphers = dict(zip(ids, ciphers, strict=True))
        self._newest = ids[0]

    @classmethod
    def from_settings(cls) -> "MasterKey":
        return cls(*settings.MASTER_KEYS)

    def wrap(self, secret: bytes, company_id: int) -> bytes:
        """Return the secret encrypted with the newest key for that company."""
        header = _WRAPPED.pack(FORMAT, self._newest)
        nonce = os.urandom(NONCE_BYTES)
        bound = _bound(header, company_id)
        return header + nonce + self._ciphers[self._newest].encrypt(nonce, secret, bound)

    def unwrap(self, blob: bytes, company_id: int) -> bytes:
        """Return the wrapped secret; SealBroken when no key at hand opens it for that company."""
        header, key_id, nonce, sealed = _split(_WRAPPED, blob)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealBroken("The key was wrapped with a master key that is not at hand.")
        return _decrypt(cipher, nonce, sealed, _bound(header, company_id))

    def is_newest(self, blob: bytes) -> bool:
        """Tell whether the newest key wrapped this; rotation wraps the others anew."""
        return bool(_split(_WRAPPED, blob)[1] == self._newest)


class CompanyKey:
    """One version of a company's key: seals rows, and keys the hashes that they are found by.

    Keep the object for as long as it is needed: deriving costs more than sealing.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"A company's key has {KEY_BYTES} bytes.")
        self._secret = secret

    @classmethod
    def generate(cls) -> "CompanyKey":
        """Return a new random key."""
        return cls(os.urandom(KEY_BYTES))

    def wrap(self, master: MasterKey, company_id: int) -> bytes:
        """Return the key as it may be stored."""
        return master.wrap(self._secret, company_id)

    @classmethod
    def unwrap(cls, blob: bytes, master: MasterKey, company_id: int) -> "CompanyKey":
        """Return the key stored as `blob`; SealBroken when it is not this company's."""
        return cls(master.unwrap(blob, company_id))

    @cached_property
    def index_key(self) -> bytes:
        """The 32-byte key of the company's search hashes (`orders.persons`)."""
        return _derive(self._secret, b"company index")

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(_derive(self._secret, b"company sealing"))

    def seal(
        self,
        plaintext: bytes,
        *,
        company_id: int,
        row_id: uuid.UUID,
        purpose: str,
        key_version: int,
    ) -> bytes:
        """Return an envelope that opens for this company, row and purpose ("order.person") only."""
        header = _ENVELOPE.pack(FORMAT, key_version)
        nonce = os.urandom(NONCE_BYTES)
        bound = _bound(header, company_id, row_id, purpose)
        return header + nonce + self._cipher.encrypt(nonce, plaintext, bound)

    def open(self, envelope: bytes, *, company_id: int, row_id: uuid.UUID, purpose: str) -> bytes:
        """Return what was sealed; SealBroken when anything differs from when it was."""
        header, _version, nonce, sealed = _split(_ENVELOPE, envelope)
        return _decrypt(self._cipher, nonce, sealed, _bound(header, company_id, row_id, purpose))


def version_of(envelope: bytes) -> int:
    """Return the version of the company's key that an envelope was sealed with."""
    return int(_split(_ENVELOPE, envelope)[1])


def _derive(secret: bytes, purpose: bytes, length: int = KEY_BYTES) -> bytes:
    """Return a key for one purpose (HKDF, RFC 5869; no salt: the secret is already uniform)."""
    return HKDF(SHA256(), length, salt=None, info=b"covenant " + purpose).derive(secret)


def _bound(
    header: bytes, company_id: int, row_id: uuid.UUID | None = None, purpose: str = ""
) -> bytes:
    """Return the associated data: of fixed lengths but for the last, so never ambiguous."""
    row = row_id.bytes if row_id else b""
    return header + company_id.to_bytes(8, "big") + row + purpose.encode()


def _split(layout: struct.Struct, blob: bytes) -> tuple[bytes, Any, bytes, bytes]:
    """Return the header, the field it ends in, the nonce and the ciphertext."""
    blob = bytes(blob)  # the database hands out memoryviews
    body = layout.size + NONCE_BYTES
    if len(blob) < body or blob[0] != FORMAT:
        raise SealBroken("This is not an envelope of a known format.")
    header = blob[: layout.size]
    return header, layout.unpack(header)[1], blob[layout.size : body], blob[body:]


def _decrypt(cipher: AESGCM, nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, sealed, bound)
    except InvalidTag:
        raise SealBroken("The seal is broken: changed, moved, or another key.") from None
