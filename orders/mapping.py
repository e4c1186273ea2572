"""Which column of an uploaded table holds which field of an order: the fields, and a first guess.

The guess goes by the column's name, in the languages people name columns in, and by what is in it:
a column called "Name" that holds "#1001" is the order's number. People correct it in the preview.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import islice

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.dates import UnreadableDate, day_comes_first, parse_date
from orders.spreadsheets import Cell, Row, Sheet
from policy.countries import country_code

SAMPLE = 400  # rows, taken evenly from the whole table


@dataclass(frozen=True, slots=True)
class Target:
    """A field of an order that a column can fill. `names` are what such columns are called, as
    `folded`, the surest first; `fits` tells whether a cell can be such a field."""

    name: str
    label: Promise
    names: str
    fits: Callable[[Cell], bool]
    by_content: bool = False  # whether cells alone, under any name, are enough to guess it
    several: bool = False  # whether several columns may fill it, joined


@dataclass(frozen=True, slots=True)
class Mapping:
    """Target name -> the columns that fill it, counted from 0, in the order they are joined."""

    columns: dict[str, tuple[int, ...]]
    day_first: bool = True  # 03.04 is 3 April

    @property
    def missing(self) -> list[str]:
        """Targets without which no row could become an order."""
        return [name for name in REQUIRED if not self.columns.get(name)]


def is_number_of_order(cell: Cell) -> bool:
    return isinstance(cell, int) or (
        isinstance(cell, str) and bool(ORDER_NUMBER.fullmatch(cell.strip()))
    )


def is_date(cell: Cell) -> bool:
    try:
        parse_date(cell, day_first=True, zone=UTC)
    except UnreadableDate:
        return isinstance(cell, str) and bool(MONTH_FIRST.match(cell.strip()))
    return True


def is_words(cell: Cell) -> bool:
    """More letters than figures, as in a name or a town."""
    if not isinstance(cell, str) or "@" in cell:
        return False
    return sum(map(str.isalpha, cell)) > 2 * sum(map(str.isdigit, cell))


def is_text(cell: Cell) -> bool:
    return isinstance(cell, str) and any(map(str.isalnum, cell))


def is_phone(cell: Cell) -> bool:
    if isinstance(cell, int):
        return 10**6 <= cell < 10**15
    return isinstance(cell, str) and bool(PHONE.fullmatch(cell.strip()))


def is_email(cell: Cell) -> bool:
    return isinstance(cell, str) and bool(EMAIL.fullmatch(cell.strip()))


def is_country(cell: Cell) -> bool:
    return isinstance(cell, str) and bool(country_code(cell))


def is_quantity(cell: Cell) -> bool:
    if isinstance(cell, int):
        return 0 < cell < 100_000
    return isinstance(cell, str) and bool(QUANTITY.match(cell.strip()))


def is_amount(cell: Cell) -> bool:
    return isinstance(cell, int | float) or (
        isinstance(cell, str) and bool(AMOUNT.fullmatch(cell.strip()))
    )


def is_currency(cell: Cell) -> bool:
    return isinstance(cell, str) and bool(CURRENCY.fullmatch(cell.strip()))


def is_anything(cell: Cell) -> bool:
    return True


ORDER_NUMBER = re.compile(r"[#№]?\s?(?=\S*\d)[\w./-]{1,60}")
MONTH_FIRST = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})\b")
PHONE = re.compile(r"'?\+?\d(?:[\s().+/-]*\d){5,16}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.\w{2,}")
QUANTITY = re.compile(r"[1-9]\d{0,4}(?:[.,]0+)?(?:\s*[^\W\d]{1,4}\.?)?$")
AMOUNT = re.compile(r"\D{0,5}\d[\d\s.,'’]*\D{0,5}")
CURRENCY = re.compile(
    r"[A-Z]{3}|[€$£₽₸₴₺₾zł]{1,2}|(?:руб|тг|тенге|грн|сом|лей|lei)\.?", re.IGNORECASE
)

TARGETS: tuple[Target, ...] = (
    Target(
        "external_id", _("Order number"),
        "order number, order id, lead id, external id, order no, order name, lead number, number, "
        "id, name, no, order, lead, uid, transaction id, "
        "номер, номер заказа, no заказа, id заказа, номер заявки, id заявки, id лида, код заказа, "
        "номер лида, заказ, заявка, лид, внешний id, ид, ид заказа, "
        "numero de pedido, no de pedido, pedido, id pedido, numero, "
        "numar comanda, nr comanda, comanda, id comanda, nr, "
        "номер замовлення, numer zamowienia, bestellnummer, numero ordine, numero de commande",
        is_number_of_order,
    ),
    Target(
        "created_at", _("Created"),
        "created at, created, order date, date created, date, datetime, creation date, created on, "
        "created time, date added, submitted at, timestamp, lead date, purchase date, time, "
        "дата, дата заказа, дата создания, создан, создано, дата и время, дата заявки, дата лида, "
        "дата оформления, дата поступления, дата добавления, время, время создания, "
        "fecha, fecha de pedido, fecha del pedido, fecha de creacion, creado, "
        "data, data comenzii, data comanda, data crearii, creat la, "
        "дата замовлення, data zamowienia, datum, bestelldatum, data ordine, date de commande",
        is_date, by_content=True,
    ),
    Target(
        "status", _("Status"),
        "status, order status, lead status, financial status, payment status, state of order, "
        "fulfillment status, fulfilment status, shipping status, delivery status, "
        "статус, статус заказа, статус заявки, статус лида, состояние, состояние заказа, "
        "статус оплаты, статус доставки, этап, "
        "estado del pedido, starea comenzii, status comanda, статус замовлення",
        is_anything, several=True,
    ),
    Target(
        "name", _("Buyer's name"),
        "name, full name, fullname, customer name, client name, buyer name, buyer s name, "
        "contact name, fio, recipient, customer, client, buyer, contact, first and last name, "
        "имя, фио, ф и о, имя клиента, имя покупателя, клиент, покупатель, получатель, заказчик, "
        "контакт, контактное лицо, полное имя, имя и фамилия, фамилия имя отчество, "
        "nombre, nombre completo, nombre y apellidos, cliente, destinatario, "
        "nume, numele, nume complet, nume si prenume, nume client, "
        "имя и фамилия, піб, ім я, імя, клієнт, imie i nazwisko, nazwisko, nom, nome",
        is_words,
    ),
    Target(
        "phone", _("Telephone"),
        "phone, phone number, telephone, mobile, mobile phone, cell, cell phone, tel, "
        "mobile number, telephone number, contact number, whatsapp, phone 1, msisdn, "
        "телефон, номер телефона, тел, моб телефон, мобильный, мобильный телефон, сотовый, "
        "контактный телефон, телефон клиента, моб, мобильный номер, контактный номер, телефон 1, "
        "telefono, numero de telefono, movil, celular, "
        "telefon, numar de telefon, nr telefon, nr de telefon, mobil, "
        "номер телефону, telefon komorkowy, telefonnummer, handy, cellulare, portable",
        is_phone, by_content=True,
    ),
    Target(
        "email", _("E-mail"),
        "email, e mail, email address, e mail address, mail, "
        "эл почта, почта, электронная почта, емейл, имейл, эл адрес, адрес электронной почты, "
        "correo, correo electronico, adresa email, adresa de email, adres email, пошта",
        is_email, by_content=True,
    ),
    Target(
        "country", _("Country"),
        "country, country code, geo, country name, "
        "страна, гео, код страны, страна доставки, pais, tara, країна, kraj, land, paese, pays",
        is_country, by_content=True,
    ),
    Target(
        "citizenship", _("Citizenship"),
        "citizenship, nationality, citizen of, гражданство, nacionalidad, ciudadania, cetatenie, "
        "cetatenia, nationalitate, громадянство, obywatelstwo, staatsangehorigkeit",
        is_text,
    ),
    Target(
        "city", _("City"),
        "city, town, locality, settlement, "
        "город, населенный пункт, нас пункт, город доставки, "
        "ciudad, localidad, poblacion, oras, orasul, localitate, "
        "місто, miasto, stadt, citta, ville",
        is_words,
    ),
    Target(
        "address", _("Address"),
        "address, full address, address1, address 1, address line 1, street address, street, "
        "адрес, адрес доставки, полный адрес, улица, адрес 1, "
        "direccion, direccion de envio, domicilio, calle, adresa, adresa de livrare, strada, "
        "адреса, вулиця, adres, ulica, adresse, strasse, indirizzo",
        is_anything, several=True,
    ),
    Target(
        "item", _("Item"),
        "lineitem name, line item name, item, product, item name, product name, product title, "
        "goods, title, article, line item, items, products, "
        "товар, товары, наименование, название, название товара, наименование товара, продукт, "
        "позиция, номенклатура, состав заказа, "
        "producto, articulo, nombre del producto, produs, denumire, nume produs, produse, "
        "найменування, назва товару, produkt, nazwa produktu, prodotto, produit",
        is_text,
    ),
    Target(
        "sku", _("SKU"),
        "lineitem sku, sku, article number, item code, product code, item sku, product sku, ean, "
        "barcode, артикул, арт, код товара, штрихкод, referencia, cod produs, kod produktu",
        is_anything,
    ),
    Target(
        "quantity", _("Quantity"),
        "lineitem quantity, quantity, qty, count, pcs, units, item quantity, amount of items, "
        "кол во, количество, кол, колво, шт, штук, к во, "
        "cantidad, unidades, cantitate, buc, кількість, ilosc, menge, anzahl, quantita, quantite",
        is_quantity,
    ),
    Target(
        "price", _("Price"),
        "lineitem price, price, unit price, item price, price per unit, product price, cost, "
        "цена, цена за шт, цена за единицу, стоимость единицы, цена товара, стоимость, "
        "precio, precio unitario, pret, pret unitar, ціна, cena, preis, prezzo, prix",
        is_amount,
    ),
    Target(
        "total", _("Total"),
        "total, order total, grand total, total price, total amount, amount, sum, order amount, "
        "order sum, total cost, revenue, "
        "сумма, сумма заказа, итого, всего, итог, итоговая сумма, общая сумма, стоимость заказа, "
        "к оплате, importe, importe total, total pedido, suma, total comanda, valoare, "
        "сума, разом, kwota, razem, summe, gesamt, totale, montant",
        is_amount,
    ),
    Target(
        "currency", _("Currency"),
        "currency, currency code, order currency, валюта, код валюты, moneda, divisa, valuta, "
        "waluta, wahrung, devise",
        is_currency, by_content=True,
    ),
    Target(
        "offer", _("Offer"),
        "offer, offer name, campaign, landing, оффер, офер, предложение, кампания, oferta, campana",
        is_anything,
    ),
    Target(
        "partner", _("Partner"),
        "partner, webmaster, affiliate, publisher, wm, webmaster id, affiliate id, partner id, "
        "aff, вебмастер, веб мастер, вебмастер id, партнер, веб, вм, арбитражник, afiliado, socio, "
        "partener, afiliat, вебмайстер",
        is_anything,
    ),
    Target(
        "source", _("Traffic source"),
        "utm source, traffic source, lead source, источник трафика, источник, utm",
        is_anything,
    ),
    Target(
        "comment", _("Comment"),
        "comment, comments, note, notes, customer note, remark, remarks, message, order note, "
        "order comment, комментарий, комментарии, примечание, примечания, заметка, заметки, "
        "коммент, комментарий к заказу, комментарий клиента, сообщение, пожелания, "
        "comentario, comentarios, notas, observaciones, comentariu, comentarii, observatii, "
        "mentiuni, коментар, примітка, komentarz, uwagi, kommentar, bemerkung",
        is_anything, several=True,
    ),
)  # fmt: skip

REQUIRED = ("phone",)

# The rest of an address, in the order it is written, to be joined to the column guessed for it.
ADDRESS_PARTS = (
    "address2, address 2, address line 2, house, house number, building, дом, номер дома, корпус, "
    "строение, numero exterior, nr casa, bloc, "
    "apartment, flat, unit, apt, квартира, кв, офис, piso, puerta, apartament, ap, "
    "district, район, barrio, sector, "
    "province, state, region, province name, область, регион, край, область край, "
    "provincia, judet, "
    "zip, zip code, zipcode, postal code, postcode, post code, index, индекс, почтовый индекс, "
    "codigo postal, cp, cod postal, kod pocztowy, plz, cap, code postal"
)

# What becomes of the parcel, to be joined to the column that tells of the money.
STATUS_PARTS = (
    "fulfillment status, fulfilment status, shipping status, delivery status, статус доставки"
)

# Whose field it is. The order goes to who receives it, so theirs is taken before the payer's.
RECEIVES = "shipping, ship to, delivery, recipient, доставки, получателя, envio, livrare"
PAYS = "billing, bill to, payer, плательщика, facturacion, facturare"
OWNERS = (
    "customer, client, buyer, contact, lead, order, user, your, the, клиента, покупателя, "
    "заказа, лида, контактный, ваш, ваше, del cliente, de client, cliente, client"
)


def listed(names: str) -> list[str]:
    return [folded(name) for name in names.split(", ")]


def folded(name: str) -> str:
    """A column's name as it is compared: "E-Mail", "Кол-во", "createdAt" as plain small words."""
    name = unicodedata.normalize("NFKC", name.replace("№", "№ "))
    words = re.sub(r"(?<=[a-zа-я0-9])(?=[A-ZА-Я])", " ", name)
    plain = unicodedata.normalize("NFKD", words.casefold()).replace("ł", "l").replace("ı", "i")
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[^\W_]+", plain))


def ranked(names: str) -> dict[str, int]:
    """Each name -> its place, the surest 0."""
    return {name: place for place, name in reversed([*enumerate(listed(names))])}


NAMES = {target.name: ranked(target.names) for target in TARGETS}
PARTS = ranked(ADDRESS_PARTS)
OF_PARCEL = ranked(STATUS_PARTS)
WHOSE = (
    dict.fromkeys(listed(OWNERS), "")
    | dict.fromkeys(listed(RECEIVES), "receives")
    | dict.fromkeys(listed(PAYS), "pays")
)
WHOSE_FIRST = re.compile(rf"({'|'.join(WHOSE)}) (.+)")
WHOSE_LAST = re.compile(rf"(.+) ({'|'.join(WHOSE)})")


@dataclass(frozen=True, slots=True, repr=False)
class Column:
    """What the guess knows of one column."""

    index: int
    name: str  # folded
    bare: str  # without whose it is: "phone" of "shipping phone"
    whose: str  # "receives", "pays" or ""
    cells: list[Cell]  # some, without the empty
    filled: float  # share of the sample


def guess(sheet: Sheet) -> Mapping:
    """The mapping that names and cells suggest. No column is used twice."""
    columns = look_at(sheet)
    chosen: dict[str, Column] = {}
    taken: set[int] = set()
    for _score, target, column in by_likeness(columns):
        if target.name not in chosen and column.index not in taken:
            chosen[target.name] = column
            taken.add(column.index)
    mapped = {name: [column] for name, column in chosen.items()}
    mapped["address"] = whole_address(chosen.get("address"), columns, taken)
    mapped["status"] = whole_status(chosen.get("status"), columns, taken)
    indexes = {
        target.name: tuple(column.index for column in mapped[target.name])
        for target in TARGETS
        if mapped.get(target.name)
    }
    return Mapping(indexes, day_comes_first(cells_of(sheet, indexes.get("created_at", ()))))


def look_at(sheet: Sheet) -> list[Column]:
    sample = sheet.rows[:: len(sheet.rows) // SAMPLE + 1]
    columns = []
    for index, heading in enumerate(sheet.header):
        name = folded(heading)
        bare, whose = without_owner(name)
        cells = list(filled_cells(sample, index))
        filled = len(cells) / len(sample)
        if not cells:  # it may begin to be filled far below
            cells = list(islice(filled_cells(sheet.rows, index), 20))
        columns.append(Column(index, name, bare, whose, cells, filled))
    return columns


def filled_cells(rows: Iterable[Row], index: int) -> Iterator[Cell]:
    return (row[index] for _, row in rows if index < len(row) and row[index] is not None)


def without_owner(name: str) -> tuple[str, str]:
    if found := WHOSE_FIRST.fullmatch(name):
        return found[2], WHOSE[found[1]]
    if found := WHOSE_LAST.fullmatch(name):
        return found[1], WHOSE[found[2]]
    return name, ""


def by_likeness(columns: list[Column]) -> list[tuple[float, Target, Column]]:
    """Every pair that is at all likely, the likeliest first, then as the columns stand."""
    pairs = [
        (score, target, column)
        for column in columns
        for target in TARGETS
        if (score := likeness(target, column))
    ]
    return sorted(pairs, key=lambda pair: -pair[0])


def likeness(target: Target, column: Column) -> float:
    """0 where the column can't be the target's; above 60 where its name says so. An empty column
    is taken by its full name alone, and after all others."""
    names = NAMES[target.name]
    if not column.cells:
        return float(column.name in names)
    fit = sum(map(target.fits, column.cells)) / len(column.cells)
    if fit < 0.5:
        return 0
    if column.name in names:
        score = 100 - names[column.name] / 2
    elif column.bare in names:
        score = 90 - names[column.bare] / 2 - 15 * (column.whose == "pays")
    elif target.by_content and fit > 0.9:
        score = 30.0
    else:
        return 0
    return score + 20 * fit + 10 * column.filled


def whole_address(main: Column | None, columns: list[Column], taken: set[int]) -> list[Column]:
    """The column of the address and, after it, the house, flat, region and code of the same
    person (who receives the order, where there are two)."""
    parts = [
        column
        for column in columns
        if column.cells and column.bare in PARTS and column.index not in taken
    ]
    whose = main.whose if main else max((part.whose for part in parts), default="")
    own = [part for part in parts if part.whose == whose]
    return ([main] if main else []) + sorted(own, key=lambda part: PARTS[part.bare])


def whole_status(main: Column | None, columns: list[Column], taken: set[int]) -> list[Column]:
    """The column of the status and, after it, what becomes of the parcel."""
    parts = (
        column
        for column in columns
        if column.cells and column.name in OF_PARCEL and column.index not in taken
    )
    return [main, *parts] if main else []


def cells_of(sheet: Sheet, indexes: Sequence[int]) -> Iterator[Cell]:
    return (cell for index in indexes for cell in filled_cells(sheet.rows, index))
