from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        from accounts import audit, navigation
        from orders import moves_installed

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
                "import.started": _("started an import"),
                "import.resumed": _("let an import go on"),
                "import.finished": _("finished an import"),
                "company.exported": _("took the company's data along"),
            }
        )
        navigation.register(_("Orders"), "orders:list", "inbox", "orders.read", 10)
        navigation.register(_("Import"), "orders:import", "upload", "orders.import", 20)
        navigation.register(_("Coverage"), "orders:coverage", "globe", "company.policy", 43)
        navigation.register_for_operators(_("Disclosures"), "orders:disclosures", "landmark", 40)
        navigation.register(_("Refusals"), "orders:refusals", "ban", "company.policy", 45)
