"""Attacks on policies: working before accepting, keeping people who decline, imposing our texts."""

from __future__ import annotations

import secrets
from io import StringIO

from django.core.management import call_command
from django.utils.translation import gettext_lazy as _

from accounts import attacks, trial
from accounts.attacks import vouched
from accounts.founding import OWNER
from accounts.models import AuditEntry, Membership
from accounts.proving import Broken, Figures, System, proves, undone
from accounts.visitors import Visitor
from policy.trial import accept_all, draft_crm, drafted, open_company, publish_crm
from policy.turns import NotInTurn

GUARDED = ("/orders/", "/orders/new/", "/company/")


@proves(
    "C2",
    tried=_(
        "As a member who had not accepted, and again in the moment when a new version came into "
        "force: read and wrote every table in %(asked)s statements, all refused. In between, the "
        "policies accepted, the same member read the company's rows."
    ),
)
def no_row_before_acceptance(system: System) -> Figures:
    owner = open_company()
    assert owner.company
    admin = trial.member(owner.company, "admin")
    rows = attacks.examples(system, owner.company.pk)
    with undone():
        carried = vouched(admin.open_pass(), owner.company.pk)
        attacks.present(carried)
        asked = attacks.attack(rows, "a member who has not accepted")
        with admin.working() as by:
            accept_all(by)
        attacks.present(carried)
        if not AuditEntry.objects.exists():
            raise Broken("one who has accepted reads nothing either: this attack shows nothing")
        publish_crm("# Anew")
        attacks.present(carried)
        asked += attacks.attack(rows, "a member for whom a new version is in force")
    return {"asked": asked}


@proves(
    "C2",
    tried=_("Signed in and accepted nothing: of %(pages)s pages each led to the policies instead."),
)
def no_page_before_acceptance(system: System) -> Figures:
    owner = open_company()
    assert owner.company
    agent = trial.member(owner.company, "agent")
    visitor = agent.visiting(system.url, accepting=False)
    for page in GUARDED:
        if visitor.get(page).path != "/accept/":
            raise Broken(f"{page} opens to one who has accepted nothing")
    return {"pages": len(GUARDED)}


@proves(
    "R1",
    tried=_(
        "Signed in and accepted nothing, then declined, left the company and signed out: none of "
        "it asked for an acceptance, and the membership had ended."
    ),
)
def whoever_declines_may_go(system: System) -> Figures:
    owner = open_company()
    assert owner.company
    agent = trial.member(owner.company, "agent")
    visitor = agent.visiting(system.url, accepting=False)
    for way in (visitor.get("/decline/"), visitor.fill("/company/departure/")):
        if way.status != 200 or way.path == "/accept/":
            raise Broken(f"{way.path} asks for something before one may go")
    members = Membership.objects.using(OWNER).living()
    if members.filter(company_id=owner.company.pk, user_id=agent.user.pk).exists():
        raise Broken("one who left is still a member")
    [cookie] = visitor.cookies
    visitor.fill("/logout/")
    if (page := visitor.get("/orders/", Cookie=f"{cookie.name}={cookie.value}")).path != "/login/":
        raise Broken(f"one who signed out sees {page.path}")
    return {}


@proves(
    "R2",
    tried=_(
        "As one of two operators, published a text of one's own without the other's approval: "
        "refused. With it, the public page showed the text, word for word; a member was led to "
        "accept it before going on; and publishing the bundled texts again left it in force."
    ),
)
def ones_own_text_is_in_force(system: System) -> Figures:
    owner = open_company()
    visitor = owner.visiting(system.url)
    words = secrets.token_hex(16)
    text = f"# Own\n\n{words}"
    _publish_alone(text)
    publish_crm(text)
    call_command("publish_bundled", stdout=StringIO())
    if words not in Visitor(system.url).get("/policy/").body:
        raise Broken("the operator's own text is not the one that is shown")
    asked = visitor.get("/orders/")
    if asked.path != "/accept/" or words not in asked.body:
        raise Broken("a member goes on working without accepting the operator's own text")
    if visitor.accept(asked).path != "/orders/":
        raise Broken("the operator's own text cannot be accepted")
    return {}


def _publish_alone(text: str) -> None:
    """Raises Broken unless the database refuses one operator's word where there are two."""
    trial.person(operator=True)
    with draft_crm(text).working() as by, undone():
        try:
            drafted().publish(by=by)
        except NotInTurn:
            return
    raise Broken("one of two operators publishes a text that the other has not approved")
