from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PolicyConfig(AppConfig):
    name = "policy"
    verbose_name = _("Policies")

    def ready(self) -> None:
        from accounts import audit

        audit.register(
            **{
                "policy.published": _("published the company's policy"),
                "policy.accepted": _("accepted the company's policy"),
            }
        )
