from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from accounts import audit, gate, navigation

        post_migrate.connect(gate.install, sender=self)
        audit.register(
            **{
                "person.invited": _("invited somebody"),
                "person.joined": _("joined the company"),
                "person.placed": _("changed a member's place"),
                "person.removed": _("removed a member"),
                "person.left": _("left the company"),
                "invitation.withdrawn": _("withdrew an invitation"),
                "team.made": _("made a team"),
                "session.opened": _("signed in"),
                "session.ended": _("signed out"),
                "password.refused": _("was refused: the password was wrong"),
                "password.changed": _("changed the password"),
                "password.reset": _("set a new password, by a letter's link"),
                "factor.refused": _("was refused: the second factor was wrong"),
                "factor.added": _("added a second factor"),
                "factor.removed": _("removed a second factor"),
                "factor.forgotten": _("lost a second factor: the operator took it away"),
                "access.made": _("made an access link for support"),
                "access.asked": _("asked to be let in by an access link"),
                "access.confirmed": _("let support in"),
                "access.refused": _("refused support"),
                "access.revoked": _("revoked an access link"),
                "access.ended": _("ended the work under an access link"),
                "access.shut": _("ended an access link"),
                "access.viewed": _("looked at the order"),
                "access.missed": _("asked for an order that the access link does not open"),
                "access.listed": _("looked at the list of orders"),
                "access.searched": _("searched among the orders"),
                "key.made": _("made a key for a partner's machine"),
                "key.revoked": _("revoked a key"),
                "company.strictness": _("changed what happens to countries not covered"),
            }
        )
        navigation.register(_("People"), "accounts:people", "users", "people.read", 30)
        navigation.register(_("Partners and keys"), "accounts:keys", "key-round", "keys.manage", 35)
