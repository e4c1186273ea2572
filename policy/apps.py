from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PolicyConfig(AppConfig):
    name = "policy"
    verbose_name = _("Policies")

    def ready(self) -> None:
        from accounts import audit, navigation, people
        from policy import standing

        audit.register(
            **{
                "policy.published": _("published the company's policy"),
                "policy.accepted": _("accepted the company's policy"),
                "people.reminded": _("reminded people of policies that wait"),
                "disclosure.received": _("received a request for orders from"),
                "disclosure.approved": _("approved the request for orders of"),
                "disclosure.refused": _("refused the request for orders of"),
                "disclosure.packaged": _("packed the orders asked for by"),
                "disclosure.taken": _("took the package of orders for"),
                "person.citizenship": _("declared a citizenship, or took it back"),
            }
        )
        navigation.register(_("Policy"), "policy:current", "shield-check", None, 50)
        navigation.register(
            _("Company's policy"), "policy:company_publish", "scroll-text", "company.policy", 40
        )
        navigation.register(
            _("Disclosures"), "policy:company_disclosures", "landmark", "company.policy", 46
        )
        for_operators = navigation.register_for_operators
        for_operators(_("Overview"), "policy:console", "layout-list", 10)
        for_operators(_("Policies"), "policy:publish", "stamp", 20)
        for_operators(_("Jurisdictions"), "policy:jurisdictions", "ban", 30)
        for_operators(_("Visits"), "policy:visits", "chart-no-axes-column", 50)
        for_operators(_("Proofs"), "policy:proofs", "shield-check", 60)
        people.register_standing(standing.of_company)
