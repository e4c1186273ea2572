"""Files that an answer hands over, to be kept and not shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import overload

from django.http import HttpResponse, StreamingHttpResponse

ANY = "application/octet-stream"


@overload
def attached(body: bytes, name: str, content_type: str = ...) -> HttpResponse: ...
@overload
def attached(
    body: Iterator[bytes], name: str, content_type: str = ...
) -> StreamingHttpResponse: ...
def attached(
    body: bytes | Iterator[bytes], name: str, content_type: str = ANY
) -> HttpResponse | StreamingHttpResponse:
    """`name` is one of ours: letters, digits, dots and hyphens. What is not handed over whole is
    read when the request's transaction is over, and so asks the gate by itself."""
    kind = HttpResponse if isinstance(body, bytes) else StreamingHttpResponse
    return kind(
        body,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
