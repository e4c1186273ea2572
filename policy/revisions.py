"""What makes texts a new version: versions stay for good, so none may repeat the one before, and
readers of one language must not be left with a text that readers of another have seen change."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.utils.translation import gettext as _


class NotNew(Exception):
    """Texts that may not be published: some of them, or `entirely` all, are those published last.
    `reasons` tells why by language."""

    def __init__(self, unchanged: Iterable[str], *, entirely: bool) -> None:
        reason = (
            _("Nothing has changed: this is the text of the version published last.")
            if entirely
            else _("%(language)s is unchanged, while another language's text has changed.")
        )
        names = dict(settings.LANGUAGES)
        self.entirely = entirely
        self.reasons = {code: reason % {"language": names.get(code, code)} for code in unchanged}
        super().__init__(" ".join(dict.fromkeys(self.reasons.values())))


def refuse_unchanged(texts: dict[str, str], published: dict[str, str]) -> None:
    """Raises NotNew. Both are texts by language: the new ones, and those published last. A language
    added or left out is a change by itself, which asks nothing of the others."""
    kept = texts.keys() & published.keys()
    unchanged = {code for code in kept if _same(texts[code], published[code])}
    if unchanged == kept and texts.keys() != published.keys():
        return
    if unchanged:
        raise NotNew(sorted(unchanged), entirely=unchanged == kept)


def _same(one: str, other: str) -> bool:
    """Whether two texts differ in nothing but how a browser ends lines and a field is trimmed."""
    return one.strip().splitlines() == other.strip().splitlines()
