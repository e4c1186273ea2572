"""Files that an answer hands over, to be kept and not shown."""

from __future__ import annotations

from django.http import HttpResponse


def attached(
    body: bytes, name: str, content_type: str = "application/octet-stream"
) -> HttpResponse:
    """`name` is one of ours: letters, digits, dots and hyphens."""
    return HttpResponse(
        body,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
