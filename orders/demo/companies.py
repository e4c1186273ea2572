"""The demo companies, as tables: who works there, what they sell, where their buyers live.

Everybody here is invented. Nobody lives in a country that the policy prohibits (clause P2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

PASSWORD: Final = "covenant-demo"  # noqa: S105 - everybody may know it: DEBUG only


@dataclass(frozen=True, slots=True)
class Colleague:
    """`signs_in`: with PASSWORD, and has accepted no policy. The others have no password, and have
    accepted all: the orders are what they have done so far."""

    email: str
    name: str
    role: str
    team: str = ""
    partner: str = ""
    signs_in: bool = True

    @property
    def calls(self) -> bool:
        return self.role in ("agent", "lead")


@dataclass(frozen=True, slots=True)
class Staff:
    email: str
    name: str
    support: bool = False
    operator: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """`prices`: currency -> price of one."""

    name: str
    sku: str
    prices: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Market:
    """A country's buyers. `phones`: beginnings in E.164, to which `digits` random ones are added;
    `people`: first names and the surnames that agree with them."""

    country: str
    currency: str
    phones: Sequence[str]
    digits: int
    people: Sequence[tuple[Sequence[str], Sequence[str]]]
    cities: Sequence[str]
    streets: Sequence[str]


@dataclass(frozen=True, slots=True)
class DemoCompany:
    name: str
    slug: str
    country: str
    currency: str
    time_zone: str
    colleagues: Sequence[Colleague]
    partners: Sequence[str]
    offers: Sequence[Offer]
    markets: Sequence[Market]
    policy: Mapping[str, Mapping[str, str]]  # language -> what fills the template's blanks
    remarks: Sequence[str]  # what colleagues note on an order
    wishes: Sequence[str]  # what buyers write with theirs

    @property
    def opener(self) -> Colleague:
        """Who has run the company until its owner signs in."""
        return next(c for c in self.colleagues if c.role == "admin" and not c.signs_in)

    @property
    def teams(self) -> list[str]:
        return sorted({colleague.team for colleague in self.colleagues if colleague.team})


ROMANIA = Market(
    "RO", "RON", ("+40722", "+40733", "+40744", "+40755", "+40766"), 6,
    (
        (("Maria", "Elena", "Ioana", "Andreea", "Mihaela", "Cristina"),
         ("Popescu", "Ionescu", "Dumitru", "Stan", "Munteanu", "Rusu", "Lazăr")),
        (("Andrei", "Mihai", "Alexandru", "Ștefan", "Gabriel", "Cătălin"),
         ("Popa", "Radu", "Matei", "Constantin", "Șerban", "Tudor")),
    ),
    ("București", "Cluj-Napoca", "Timișoara", "Iași", "Brașov", "Constanța", "Sibiu"),
    ("Str. Lalelelor", "Bd. Unirii", "Str. Morii", "Calea Victoriei", "Str. Teilor"),
)  # fmt: skip
SPAIN = Market(
    "ES", "EUR", ("+3461", "+3462", "+3464", "+3465", "+3466"), 7,
    (
        (("Lucía", "Carmen", "Marta", "Paula", "Elena", "Rocío"),
         ("García López", "Martín Ruiz", "Ortega Sanz", "Navarro Gil", "Iglesias Peña")),
        (("Javier", "Álvaro", "Sergio", "Pablo", "Íñigo"),
         ("Fernández Soto", "Moreno Díaz", "Vega Ramos", "Castro León")),
    ),
    ("Madrid", "Valencia", "Sevilla", "Zaragoza", "Málaga", "Bilbao"),
    ("Calle Mayor", "Calle del Olmo", "Avenida del Puerto", "Calle Real", "Paseo del Prado"),
)  # fmt: skip
ITALY = Market(
    "IT", "EUR", ("+39328", "+39333", "+39347", "+39349", "+39380"), 7,
    (
        (("Giulia", "Chiara", "Francesca", "Alessia", "Martina"),
         ("Rossi", "Conti", "Gallo", "De Luca", "Marino", "Greco")),
        (("Marco", "Luca", "Matteo", "Davide", "Niccolò"),
         ("Bianchi", "Ferrari", "Moretti", "D'Angelo", "Fontana")),
    ),
    ("Milano", "Torino", "Bologna", "Firenze", "Napoli", "Palermo", "Forlì"),
    ("Via Garibaldi", "Via Roma", "Corso Italia", "Via dei Mille", "Viale Europa"),
)  # fmt: skip
KAZAKHSTAN = Market(
    "KZ", "KZT", ("+7701", "+7702", "+7705", "+7707", "+7747", "+7775"), 7,
    (
        (("Айгерим", "Динара", "Асель", "Гульнара", "Жанар", "Мадина"),
         ("Нурланова", "Ахметова", "Сейткали", "Жумабаева", "Оспанова", "Касымова")),
        (("Ерлан", "Нурлан", "Данияр", "Арман", "Тимур", "Бауыржан"),
         ("Абдрахманов", "Сулейменов", "Искаков", "Байжанов", "Смагулов")),
    ),
    ("Алматы", "Астана", "Шымкент", "Караганда", "Актобе", "Усть-Каменогорск", "Тараз"),
    ("ул. Абая", "пр. Достык", "ул. Сатпаева", "ул. Гагарина", "мкр. Самал", "ул. Жибек Жолы"),
)  # fmt: skip
BELARUS = Market(
    "BY", "BYN", ("+37529", "+37533", "+37544"), 7,
    (
        (("Алеся", "Ольга", "Наталья", "Дарья", "Янина", "Светлана"),
         ("Ковальчук", "Мороз", "Савицкая", "Лукьянова", "Жук", "Климович")),
        (("Дмитрий", "Артём", "Павел", "Сергей", "Янка"),
         ("Новик", "Козловский", "Шевчук", "Бондарь", "Василевич", "Гринюк")),
    ),
    ("Минск", "Гомель", "Гродно", "Брест", "Витебск", "Могилёв", "Барановичи"),
    ("ул. Советская", "пр. Независимости", "ул. Якуба Коласа", "ул. Садовая", "ул. Лесная"),
)  # fmt: skip

BOTH: Final = ("both@aurora.example", "Nina Weber")  # works in both companies

AURORA = DemoCompany(
    name="Aurora",
    slug="aurora",
    country="RO",
    currency="EUR",
    time_zone="Europe/Bucharest",
    colleagues=(
        Colleague("vlad@aurora.example", "Vlad Ionescu", "admin", signs_in=False),
        Colleague("owner@aurora.example", "Irina Marin", "owner"),
        Colleague("admin@aurora.example", "Radu Stoica", "admin"),
        Colleague("agent@aurora.example", "Ana Neagu", "agent", team="Danube"),
        Colleague("partner@aurora.example", "Leo Winter", "partner", partner="Leadwave"),
        Colleague("carmen@aurora.example", "Carmen Ruiz", "agent", "Ebro", signs_in=False),
        Colleague("paolo@aurora.example", "Paolo Serra", "lead", "Danube", signs_in=False),
        Colleague("lead@aurora.example", "Marta Rossi", "lead", "Danube"),
        Colleague(*BOTH, "agent", "Danube"),
    ),
    partners=("Leadwave", "Nordlead", "wm14"),
    offers=(
        Offer("Kettle Nova 1.7 l", "KN-17", {"EUR": "39.90", "RON": "199.00"}),
        Offer("Neck massager Calma", "NM-02", {"EUR": "59.00", "RON": "289.00"}),
        Offer("Knife set Forja, 6 pieces", "KF-06", {"EUR": "44.50", "RON": "219.00"}),
        Offer("Night lamp Luna", "NL-11", {"EUR": "19.90", "RON": "99.00"}),
        Offer("Memory pillow Onda", "MP-05", {"EUR": "34.90", "RON": "169.00"}),
        Offer("Steam mop Vela", "SM-09", {"EUR": "89.00", "RON": "439.00"}),
    ),
    markets=(ROMANIA, SPAIN, ITALY),
    policy={
        "en": {
            "company": "Aurora",
            "address": "12 Lipscani Street, Bucharest",
            "contact": "privacy@aurora.example",
            "countries": "Romania, Spain, Italy",
            "laws": "Regulation (EU) 2016/679 and the national laws that complete it",
            "legal_ground": "the contract that your order asks for",
            "services": "FAN Courier, Correos, BRT",
            "period": "three years",
        },
        "ru": {
            "company": "Aurora",
            "address": "Бухарест, ул. Липскань, 12",
            "contact": "privacy@aurora.example",
            "countries": "Румыния, Испания, Италия",
            "laws": "Регламент (ЕС) 2016/679 и дополняющие его национальные законы",
            "legal_ground": "договор, который вы просите заключить, делая заказ",
            "services": "FAN Courier, Correos, BRT",
            "period": "три года",
        },
    },
    remarks=(
        "Call after six.",
        "Wants a second one for her mother; asked for a discount.",
        "The courier should ring the neighbour, number 4.",
        "Prefers to pay by card at the door.",
        "Was driving, asked to call back.",
        "Compared the price with the shop's, will decide with her husband.",
    ),
    wishes=("Please call in the afternoon.", "Ring twice.", "A gift: no price in the box, please."),
)

BOREALIS = DemoCompany(
    name="Borealis",
    slug="borealis",
    country="KZ",
    currency="KZT",
    time_zone="Asia/Almaty",
    colleagues=(
        Colleague("timur@borealis.example", "Тимур Ержанов", "admin", signs_in=False),
        Colleague("owner@borealis.example", "Сауле Темирова", "owner"),
        Colleague("agent@borealis.example", "Борис Вольский", "agent", team="Север"),
        Colleague("zhanna@borealis.example", "Жанна Кимова", "agent", "Юг", signs_in=False),
        Colleague("oles@borealis.example", "Олесь Гринь", "lead", "Север", signs_in=False),
        Colleague(*BOTH, "admin"),
    ),
    partners=("Степной трафик", "wm208"),
    offers=(
        Offer("Термос «Тундра», 1 л", "ТТ-10", {"KZT": "8900.00", "BYN": "59.90"}),
        Offer("Электрочайник «Шанырак»", "ЭЧ-17", {"KZT": "14990.00", "BYN": "99.00"}),
        Offer("Плед из верблюжьей шерсти", "ПВ-03", {"KZT": "21900.00", "BYN": "145.00"}),
        Offer("Массажёр для шеи", "МШ-02", {"KZT": "24500.00", "BYN": "159.00"}),
        Offer("Набор ножей «Сталь», 5 шт.", "НС-05", {"KZT": "12990.00", "BYN": "84.50"}),
    ),
    markets=(KAZAKHSTAN, BELARUS),
    policy={
        "en": {
            "company": "Borealis",
            "address": "41 Abay Avenue, Almaty",
            "contact": "privacy@borealis.example",
            "countries": "Kazakhstan, Belarus",
            "laws": "Kazakhstan's law No. 94-V of 21 May 2013 and Belarus's law No. 99-Z of "
            "7 May 2021, both on personal data",
            "legal_ground": "your consent, given with the order",
            "services": "Kazpost, Belpost",
            "period": "three years",
        },
        "ru": {
            "company": "Borealis",
            "address": "Алматы, пр. Абая, 41",
            "contact": "privacy@borealis.example",
            "countries": "Казахстан, Беларусь",
            "laws": "закон Республики Казахстан от 21 мая 2013 года № 94-V и закон Республики "
            "Беларусь от 7 мая 2021 года № 99-З о персональных данных",
            "legal_ground": "ваше согласие, данное при заказе",
            "services": "Казпочта, Белпочта",
            "period": "три года",
        },
    },
    remarks=(
        "Перезвонить после шести.",
        "Просит второй комплект со скидкой.",
        "Был за рулём, просил набрать позже.",
        "Оплата картой при получении.",
        "Сравнивает цены, посоветуется с мужем.",
        "Курьеру: домофон не работает, позвонить.",
    ),
    wishes=("Звоните после обеда.", "Это подарок, упакуйте получше.", "Домофон не работает."),
)

COMPANIES: Final = (AURORA, BOREALIS)
STAFF: Final = (
    Staff("support@covenant.example", "Sue Archer", support=True),
    Staff("operator@covenant.example", "Olga Petersen", operator=True),
)
