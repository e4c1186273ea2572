"""What the machine that runs the site asks of it."""

from django.db import connection
from django.http import HttpRequest, JsonResponse

from accounts.guard import public


@public
def healthz(request: HttpRequest) -> JsonResponse:
    """Alive, and so is the database: where it is not, the answer is a 500."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})
