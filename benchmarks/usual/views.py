"""The list of orders, as most would write it."""

from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.gate import Entry
from benchmarks.usual.models import Member, Offer, Order, Partner
from orders import statuses
from orders.filters import Choices, Filters, Place

PAGE = 50


class MemberMiddleware:
    """Whose company it is; under the name that the frame's templates know it by."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.gate = Entry()
        if request.user.is_authenticated:
            member = Member.objects.select_related("company").get(user=request.user)
            request.gate = Entry(
                user_id=request.user.pk,
                user_email=request.user.email,
                company_id=member.company_id,
                company_name=member.company.name,
                role=member.role,
            )
        return self.get_response(request)


@login_required
def orders(request: HttpRequest) -> HttpResponse:
    company_id = request.gate.company_id
    filters = Filters(request.GET, choices(company_id))
    filters.is_valid()
    found = (
        Order.objects.filter(company_id=company_id)
        .select_related("offer", "agent__user")
        .order_by("-created_at", "-id")[: PAGE + 1]
    )
    found = list(found)
    last = found[PAGE - 1] if len(found) > PAGE else None
    return render(
        request,
        "usual/list.html",
        {
            "tabs": tabs(company_id),
            "filters": filters,
            "lines": found[:PAGE],
            "older_url": last and f"{request.path}?older={Place(last.created_at, last.id)}",
            "can_write": True,
            "can_import": True,
            "clear_url": request.path,
        },
    )


def choices(company_id: int) -> Choices:
    agents = Member.objects.filter(company_id=company_id).exclude(role="partner")
    return Choices(
        [(o.pk, o.name) for o in Offer.objects.filter(company_id=company_id).order_by("name")],
        [(p.pk, p.name) for p in Partner.objects.filter(company_id=company_id).order_by("name")],
        [(m.pk, m.user.name) for m in agents.select_related("user").order_by("user__name")],
    )


def tabs(company_id: int) -> list[dict[str, object]]:
    counts = dict(
        Order.objects.filter(company_id=company_id).values_list("status").annotate(Count("id"))
    )
    address = reverse("orders:list")
    return [
        {"url": address, "label": "All", "count": sum(counts.values()), "current": True},
        *(
            {"url": f"{address}?status={key}", "label": status.label, "count": counts.get(key, 0)}
            for key, status in statuses.STATUSES.items()
        ),
    ]
