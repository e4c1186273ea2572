"""The front page, and what the machine that runs the site asks of it."""

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from accounts.guard import public


@public
def landing(request: HttpRequest) -> HttpResponse:
    """What Covenant is, for everybody; whoever is signed in finds the way to the orders."""
    return render(request, "landing.html")


@public
def healthz(request: HttpRequest) -> JsonResponse:
    """Alive, and so is the database: where it is not, the answer is a 500."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})
