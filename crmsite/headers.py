"""What every answer tells the browser: pages, files, redirects and errors alike."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

FORBID_ALL: Final = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
UNUSED: Final = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen",
    "geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment",
    "picture-in-picture", "screen-wake-lock", "usb", "xr-spatial-tracking",
)  # fmt: skip

# Those that an answer has of its own, as a page its content policy, stay. The proxy's own answers
# (deploy/Caddyfile) have the same.
EVERY: Final = {
    "Content-Security-Policy": FORBID_ALL,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class HeadersMiddleware:
    """Outside all that answers: it sees what the others made of a failure, and the static files."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in EVERY.items():
            response.headers.setdefault(name, value)
        return response
