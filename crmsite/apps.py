from django.apps import AppConfig


class CrmsiteConfig(AppConfig):
    """The site around the three apps: settings, addresses, start, the embedded database."""

    name = "crmsite"
