"""Addresses of the orders."""

from django.urls import path

from orders import api
from orders.views import (
    access,
    buyers,
    card,
    coverage,
    disclosures,
    editing,
    import_refusals,
    import_runs,
    importing,
    leaving,
    listing,
    moves,
    queue,
    refusals,
    retention,
    support,
)

app_name = "orders"


urlpatterns = [
    *api.addresses(),
    path("orders/", listing.orders, name="list"),
    path("orders/next/", queue.take_next, name="next"),
    path("orders/new/", editing.new, name="new"),
    path("orders/import/", importing.start, name="import"),
    path("orders/import/<uuid:pk>/", import_runs.progress, name="import_progress"),
    path("orders/import/<uuid:pk>/go-on/", import_runs.go_on, name="import_go_on"),
    path("orders/import/<uuid:pk>/refusals/", import_refusals.refusals, name="import_refusals"),
    path("orders/import/<uuid:pk>/left-out/", import_refusals.left_out, name="import_left_out"),
    path("orders/<uuid:order_id>/", card.card, name="card"),
    path("orders/<uuid:order_id>/edit/", editing.edit, name="edit"),
    path("orders/<uuid:order_id>/move/", moves.move, name="move"),
    path("orders/<uuid:order_id>/comment/", moves.comment, name="comment"),
    path("orders/<uuid:order_id>/reveal/", moves.reveal, name="reveal"),
    path("orders/<uuid:order_id>/assign/", moves.assign, name="assign"),
    path("orders/<uuid:order_id>/erasure/", moves.erase, name="erase"),
    path("access/", access.links, name="access"),
    path("access/new/", access.make, name="access_new"),
    path("access/<uuid:grant_id>/", access.watch, name="access_link"),
    path("access/<uuid:grant_id>/confirmation/", access.confirm, name="access_confirm"),
    path("access/<uuid:grant_id>/revocation/", access.revoke, name="access_revoke"),
    path("support/", support.desk, name="support"),
    path("support/asking/", support.ask, name="support_ask"),
    path("support/ending/", support.end, name="support_end"),
    path("operator/disclosures/", disclosures.register, name="disclosures"),
    path("operator/disclosures/<uuid:disclosure_id>/", disclosures.disclosure, name="disclosure"),
    path(
        "operator/disclosures/<uuid:disclosure_id>/document/",
        disclosures.document,
        name="disclosure_document",
    ),
    path(
        "operator/disclosures/<uuid:disclosure_id>/approval/",
        disclosures.approval,
        name="disclosure_approval",
    ),
    path(
        "operator/disclosures/<uuid:disclosure_id>/refusal/",
        disclosures.refusal,
        name="disclosure_refusal",
    ),
    path(
        "operator/disclosures/<uuid:disclosure_id>/package/",
        disclosures.package,
        name="disclosure_package",
    ),
    path(
        "operator/disclosures/<uuid:disclosure_id>/file/",
        disclosures.file,
        name="disclosure_file",
    ),
    path("company/buyers/", buyers.buyers, name="buyers"),
    path("company/buyers/<uuid:inquiry_id>/", buyers.buyer, name="buyer"),
    path("company/buyers/<uuid:inquiry_id>/archive/", buyers.archive, name="buyer_archive"),
    path("company/buyers/<uuid:inquiry_id>/erasure/", buyers.erasure, name="buyer_erasure"),
    path(
        "company/buyers/<uuid:inquiry_id>/correction/",
        buyers.correction,
        name="buyer_correction",
    ),
    path("company/buyers/retention/", retention.periods, name="retention"),
    path("company/coverage/", coverage.coverage, name="coverage"),
    path("company/coverage/strictness/", coverage.strictness, name="strictness"),
    path("account/data/", leaving.exports, name="exports"),
    path("account/data/<uuid:pk>/", leaving.progress, name="export"),
    path("account/data/<uuid:pk>/archive/", leaving.archive, name="archive"),
    path("account/closures/<int:number>/", leaving.closed, name="closed"),
    path("company/closure/", leaving.close, name="close"),
    path("company/refusals/", refusals.refusals, name="refusals"),
    path("company/refusals/erasure/", refusals.erase, name="erase_stopped"),
]
