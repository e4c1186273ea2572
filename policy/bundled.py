"""The policy texts that come with the software, in `policy/texts/<kind>.<language>.md`.

They are a start: an operator publishes his own in their place (clause R2), and a company makes its
own from the template.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Final

from policy.models import Kind, Policy, PolicyVersion
from policy.revisions import NotNew

TEXTS: Final = Path(__file__).parent / "texts"
PLACEHOLDER: Final = re.compile(r"\[\[([^\[\]]+)\]\]")


def texts(kind: str) -> dict[str, str]:
    """Markdown by language."""
    return {
        file.suffixes[0].removeprefix("."): file.read_text(encoding="utf-8")
        for file in sorted(TEXTS.glob(f"{kind}.*.md"))
    }


def company_texts(**details: str) -> dict[str, str]:
    """The template of a company's policy by language, with what is known filled in. Its blanks are
    `[[company]]`, `[[address]]`, `[[contact]]`, `[[countries]]`, `[[laws]]`, `[[legal ground]]`,
    `[[services]]` and `[[period]]` (write `legal_ground` for the one with a space), and a note at
    the top, to be taken out."""
    return {
        language: PLACEHOLDER.sub(
            lambda blank: details.get(blank[1].replace(" ", "_"), blank[0]), body
        )
        for language, body in texts(Kind.COMPANY).items()
    }


def publish(
    policy: Policy, *, material: bool = True, effective_at: datetime | None = None
) -> PolicyVersion | None:
    """Publish the bundled texts of a platform's policy where they have changed; None where they
    have not, or where the operator has published a text of his own. Raises NotNew where they have
    changed in some languages only."""
    latest = policy.latest
    if latest and not latest.bundled:
        return None
    try:
        return policy.publish(
            by=None,
            texts=texts(policy.kind),
            material=material,
            effective_at=effective_at,
            bundled=True,
        )
    except NotNew as refusal:
        if refusal.entirely:
            return None
        raise
