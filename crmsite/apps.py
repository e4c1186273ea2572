from django.apps import AppConfig


class CrmsiteConfig(AppConfig):
    """The site around the three apps: settings, addresses, start, the embedded database."""

    name = "crmsite"

    def ready(self) -> None:
        from crmsite import calls
        from orders import webhooks

        webhooks.register_call(calls.post)
