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
                "person.citizenship": _("declared a citizenship, or took it back"),
            }
        )
        navigation.register(_("Policy"), "policy:current", "shield-check", None, 50)
        navigation.register(
            _("Company's policy"), "policy:company_edition", "scroll-text", "company.policy", 40
        )
        navigation.register(
            _("Disclosures"), "policy:company_disclosures", "landmark", "company.policy", 46
        )
        people.register_standing(standing.of_company)
