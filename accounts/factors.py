"""The second factor: an app's codes, passkeys, and recovery codes for when they are lost.

django-allauth keeps and checks them. Its table is shut to the web role but for one person's rows,
in a transaction that the application has opened them to with its issuing key (migration 0031): so
SQL smuggled into a request reads, adds and removes nobody's, not its own person's either. What the
codes are made from is sealed under the operator's master key besides.
"""

from __future__ import annotations

import base64
import ipaddress
import os
from typing import Any, ClassVar, Final

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from qrcode.image.svg import SvgPathImage
from qrcode.main import QRCode

from accounts import gate
from accounts.models import User

NONCE: Final = 12  # bytes
PURPOSE: Final = b"covenant second factor"
SEALED: Final = {"secret", "seed"}  # of an app, of recovery codes: what django-allauth calls them


def _ciphers() -> list[AESGCM]:
    """Of each master key at hand, the newest first."""
    return [
        AESGCM(HKDF(hashes.SHA256(), 32, salt=None, info=PURPOSE).derive(key))
        for key in settings.MASTER_KEYS
    ]


def seal(text: str) -> str:
    """Under the newest master key; base64 of nonce, ciphertext and tag."""
    nonce = os.urandom(NONCE)
    sealed = nonce + _ciphers()[0].encrypt(nonce, text.encode(), PURPOSE)
    return base64.b64encode(sealed).decode()


def unseal(sealed: str) -> str:
    """Raises InvalidTag where no master key at hand opens it."""
    if not (text := _opened(sealed, _ciphers())):
        raise InvalidTag
    return text


def _opened(sealed: str, ciphers: list[AESGCM]) -> str:
    """The text, or "" where none of them has sealed it."""
    blob = base64.b64decode(sealed)
    for cipher in ciphers:
        try:
            return cipher.decrypt(blob[:NONCE], blob[NONCE:], PURPOSE).decode()
        except InvalidTag:
            continue
    return ""


def seal_anew(using: str) -> int:
    """Seal under the newest master key what another has sealed; how many factors that were. By a
    connection that reads them all, of which the web role has none."""
    newest, anew = _ciphers()[:1], 0
    for factor in Authenticator.objects.using(using).select_for_update():
        for name in SEALED & factor.data.keys():
            if not _opened(factor.data[name], newest):
                factor.data[name] = seal(unseal(factor.data[name]))
                factor.save(using=using, update_fields=["data"])
                anew += 1
    return anew


class FactorAdapter(DefaultMFAAdapter):
    error_messages: ClassVar = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This is wrong, or was used already."),
        "cannot_delete_authenticator": _("Staff keep a second factor: set up another one first."),
        "cannot_generate_recovery_codes": _("Set up a second factor first."),
    }

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)

    def is_mfa_enabled(self, user: Any, types: Any = None) -> bool:
        """Asked of whoever is about to sign in, before anything else is of his factors."""
        gate.open_factors(user.pk)
        return super().is_mfa_enabled(user, types)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Staff keep one: without it their rank would be of no use to them."""
        return not authenticator.user.is_staff or others(authenticator)

    def generate_authenticator_name(self, user: Any, type: str) -> str:
        """For a passkey whose owner gives it none."""
        known = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return gettext("Passkey %(number)s") % {"number": known + 1}

    def build_totp_svg(self, url: str) -> str:
        """An element for the page itself: an image would have to be let in as data."""
        code = QRCode(image_factory=SvgPathImage)
        code.add_data(url)
        image: str = code.make_image().to_string(encoding="unicode")
        return image


def others(than: Authenticator) -> bool:
    """Whether the person has another factor; recovery codes are none."""
    factors = Authenticator.objects.filter(user_id=than.user_id).exclude(pk=than.pk)
    return factors.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


def held(user: User) -> set[str]:
    """The kinds of what this person has, recovery codes among them."""
    gate.open_factors(user.pk)
    return set(Authenticator.objects.filter(user_id=user.pk).values_list("type", flat=True))


def passkeys(request: HttpRequest) -> dict[str, Any]:
    """The context processor: whether a browser makes passkeys for this site. They are for a name,
    and not for an address (WebAuthn 5.1.3)."""
    return {"passkeys": SimpleLazyObject(lambda: not _is_address(request.get_host()))}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.rpartition(":")[0].strip("[]") or host)
    except ValueError:
        return False
    return True
