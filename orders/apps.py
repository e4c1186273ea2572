from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        from accounts import audit, navigation, people
        from orders import lists, moves_installed

        post_migrate.connect(moves_installed.install, sender=self)
        audit.register(
            **{
                "order.added": _("added the order"),
                "order.edited": _("changed"),
                "order.moved": _("moved the order"),
                "order.commented": _("commented"),
                "order.revealed": _("looked at the whole telephone number"),
                "order.assigned": _("gave the order to"),
                "order.erased": _("erased the person"),
                "order.comment_erased": _("erased a comment that named somebody else"),
                "order.kept": _("left the order out of the erasure of its buyer"),
                "buyer.looked_up": _("looked up what is held about a buyer"),
                "buyer.exported": _("handed out what is held about a buyer"),
                "buyer.corrected": _("corrected a buyer's data"),
                "buyer.erased": _("erased a buyer"),
                "retention.set": _("set how long buyers are kept"),
                "retention.kept": _("erased buyers whose time was over"),
                "import.started": _("started an import"),
                "import.resumed": _("let an import go on"),
                "import.finished": _("finished an import"),
                "import.expired": _("erased the orders of an import that stood still"),
                "webhook.made": _("set a webhook"),
                "webhook.ended": _("ended a webhook"),
                "webhook.sent_again": _("had a partner told once more"),
                "company.exported": _("took the company's data along"),
            }
        )
        people.register_held(lists.held_by_the_gone)
        navigation.register_for_support(_("Orders"), "orders:list", "inbox", "orders.read")
        navigation.register_for_support(_("Support"), "orders:support", "life-buoy", None)
        navigation.register(_("Support access"), "orders:access", "life-buoy", "access.grant", 41)
        navigation.register(_("Orders"), "orders:list", "inbox", "orders.read", 10)
        navigation.register(_("Import"), "orders:import", "upload", "orders.import", 20)
        navigation.register(_("Webhooks"), "orders:webhooks", "webhook", "webhooks.manage", 36)
        navigation.register(
            _("Buyers' rights"), "orders:buyers", "user-search", "buyers.answer", 42
        )
        navigation.register(_("Audit"), "orders:audit", "history", "audit.read", 44)
        navigation.register(_("Coverage"), "orders:coverage", "globe", "company.policy", 43)
        navigation.register_for_operators(_("Disclosures"), "orders:disclosures", "landmark", 40)
        navigation.register(_("Refusals"), "orders:refusals", "ban", "company.policy", 45)
