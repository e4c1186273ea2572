"""The log's form: one JSON object a line, without anything that people typed."""

import logging
import traceback
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import psycopg
import structlog
from django.http import HttpRequest
from django.urls import URLResolver, get_resolver
from structlog.typing import Processor

WITHHELD = "withheld: it may quote a request"
METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"))
OTHER: Final = "another method"


def formatter(with_messages: bool) -> logging.Formatter:
    """`with_messages` shows what exceptions say: for a developer's own machine."""
    return _json(
        route_without_values,
        structlog.processors.format_exc_info if with_messages else failure_without_values,
    )


def withhold_gunicorns_words() -> None:
    """From here on gunicorn tells that something failed, and how, but quotes nothing.

    Its words hold whole addresses, with what was searched for and the secret of an invitation. It
    has words until a worker is ready to serve, so that a failing start still says why.
    """
    for name in ("gunicorn.error", "gunicorn.access"):
        for handler in logging.getLogger(name).handlers:
            handler.setFormatter(
                _json(
                    form_without_words,
                    failure_without_values,
                    use_get_message=False,
                    pass_foreign_args=True,
                )
            )


def _json(described: Processor, failed: Processor, **options: Any) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            described,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            failed,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        **options,
    )


def form_without_words(logger: Any, method: str, event: Any) -> Any:
    """Leave a message as the form that its values were to be put into; one that came without
    values may have had them put in before."""
    if not event.pop("positional_args"):
        event["event"] = WITHHELD
    return event


def route_without_values(logger: Any, method: str, event: Any) -> Any:
    """Say which route a request came by, in place of Django's message.

    That quotes the path, where a link to a new password or an invitation has its key, and the
    referrer, which is such a path too.
    """
    record = event["_record"]
    request = getattr(record, "request", None)
    if isinstance(request, HttpRequest):
        event["event"] = f"{method_of(request)} {route(request)}"
        event["status"] = getattr(record, "status_code", None)
    return event


def method_of(request: HttpRequest) -> str:
    """The method, where it is one that is in use: any word may stand in its place."""
    return request.method if request.method in METHODS else OTHER


def route(request: HttpRequest) -> str:
    """The pattern that the path fits; of a path that fits none the first segment, where pages of
    ours begin with it: any other is something that somebody typed."""
    if match := request.resolver_match:
        return match.route
    first = request.path_info.split("/")[1]
    return f"{first}/…" if first in first_segments() else "…"


@cache
def first_segments() -> frozenset[str]:
    """With what the site's own addresses begin."""
    return frozenset(route.partition("/")[0] for route in routes(get_resolver()) if "/" in route)


def routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for each in resolver.url_patterns:
        route = before + str(each.pattern).removeprefix("^")
        if isinstance(each, URLResolver):
            yield from routes(each, route)
        else:
            yield route


def failure_without_values(logger: Any, method: str, event: Any) -> Any:
    """Turn an exception into its frames and kinds.

    PostgreSQL's messages quote the row that failed, and Python's the value that did not fit: so
    messages stay out, and a database error shows its SQLSTATE.
    """
    failure = event.pop("exc_info", None)
    if failure and failure[1] is not None:
        event["failure"] = [kind_and_frames(each) for each in chain(failure[1])]
    return event


def chain(error: BaseException | None) -> list[BaseException]:
    """The error and what it came from, outermost first."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


def kind_and_frames(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    described: dict[str, Any] = {
        "kind": f"{type(error).__module__}.{type(error).__qualname__}",
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(error, psycopg.Error) and error.sqlstate:
        described["sqlstate"] = error.sqlstate
    return described
