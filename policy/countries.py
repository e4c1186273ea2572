"""Countries as people write them: "KZ", "KAZ", "398", "Казахстан", "Republic of Kazakhstan"."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import combinations

from babel import Locale
from babel.core import get_global
from django.utils.translation import get_language, to_locale

LANGUAGES = ("en", "ru", "uk", "be", "kk")

# Babel lists these beside the countries; they are unions, placeholders or parts of one.
_NOT_COUNTRIES = {
    "EU", "EZ", "UN", "ZZ", "XA", "XB", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA",
}  # fmt: skip

# What people write and CLDR does not list: official and former names, adjectives, abbreviations.
_ALSO: dict[str, tuple[str, ...]] = {
    "AE": ("UAE", "Emirates", "ОАЭ", "Эмираты"),
    "AM": ("Республика Армения",),
    "AZ": ("Азербайджанская Республика",),
    "BY": (
        "РБ", "Белоруссия", "Республика Беларусь", "Republic of Belarus", "Belorussia",
        "белорусское", "Беларуси", "Республики Беларусь", "Belarusian",
    ),
    "CN": ("КНР",),
    "CZ": ("Czech Republic", "Чешская Республика"),
    "GB": ("UK", "Great Britain", "England", "Britain", "Англия", "Британия"),
    "HK": ("Hong Kong", "Гонконг"),
    "KG": ("КР", "Кыргызстан", "Кыргызская Республика", "Kyrgyz Republic", "Киргизстан"),
    "KR": ("Korea", "Republic of Korea", "Корея", "Южная Корея"),
    "KZ": (
        "РК", "Республика Казахстан", "Republic of Kazakhstan", "казахстанское", "Казахстана",
        "Республики Казахстан", "Kazakhstani", "Kazakstan", "Казакстан",
    ),
    "MD": ("Молдавия", "Республика Молдова", "Republic of Moldova"),
    "NL": ("Holland", "Голландия"),
    "RU": (
        "РФ", "R.F.", "Российская Федерация", "Russian Federation", "Russian", "Rossiya", "Rossia",
        "России", "Российской Федерации", "российское", "россиянин", "россиянка", "русский",
        "русская", "Россией", "Росс. Федерация", "Rusia", "Russie", "Russland", "Rosja", "Rusya",
        "Ruská federace", "Российское гражданство",
    ),
    "TR": ("Turkey", "Türkiye"),
    "US": (
        "USA", "США", "America", "Америка", "United States of America",
        "Соединенные Штаты Америки",
    ),
    "UZ": ("РУз", "Республика Узбекистан", "Republic of Uzbekistan"),
}  # fmt: skip

# Letters of Cyrillic that look like Latin ones once both are in lower case.
_LOOKALIKES = str.maketrans("авеёкмнорстухіјѕ", "abeekmhopctyxijs")

_CITIZEN = re.compile(
    r"^\s*(?:гражданин|гражданка|граждане|гражданство|гр\b\.?|citizens?(?:hip)?(?:\s+of)?)[\s:.-]*",
    re.IGNORECASE,
)

_WORDS = re.compile(r"[^\W\d_]+")
WORDS_READ, WORDS_OF_ONE = 20, 3  # of a text, and of a country's name in it


@lru_cache(maxsize=4096)
def country_code(text: str) -> str:
    """Return the ISO 3166-1 alpha-2 code that the text names, or "" when it names none.

    Any case, codes of two and three letters and three digits, names in the LANGUAGES, "гражданка
    РФ", and names in which Latin and Cyrillic letters that look alike are mixed.
    """
    name = _folded(_CITIZEN.sub("", text))
    return _codes().get(name) or _codes_by_look().get(name.translate(_LOOKALIKES), "")


def countries_in(text: str) -> tuple[str, ...]:
    """Return the codes of all the countries that a text lists, such as "KZ / Россия"."""
    whole = country_code(text)
    if whole:
        return (whole,)
    parts = re.split(r"[,;/|+&()\n]|\s[-–—]\s|\sи\s|\sand\s", text)
    return tuple(dict.fromkeys(filter(None, map(country_code, parts))))


def countries_among(text: str) -> set[str]:
    """Return the codes of the countries that any words of a text name, such as "Россия г. Москва":
    of a text that names none as a whole. A sign, and no more: "is" is Iceland's code as well."""
    words = _WORDS.findall(text)[:WORDS_READ]
    runs = (words[start:stop] for start, stop in combinations(range(len(words) + 1), 2))
    return {country_code(" ".join(run)) for run in runs if len(run) <= WORDS_OF_ONE} - {""}


def named() -> list[tuple[str, str]]:
    """The countries of ISO 3166 as (code, name), by their name in the reader's language."""
    return _named(to_locale(get_language() or "en"))


def country_name(code: str) -> str:
    """What a country is called in the reader's language; the code itself for one nobody knows."""
    return dict(named()).get(code, code)


def listed(codes: Iterable[str]) -> str:
    """Countries by their names in the reader's language, as a list within a sentence."""
    return ", ".join(sorted(map(country_name, codes), key=str.casefold))


@cache
def _named(locale: str) -> list[tuple[str, str]]:
    names = Locale.parse(locale).territories.items()
    known = [(code, name) for code, name in names if country_code(code) == code]
    return sorted(known, key=lambda country: country[1].casefold().replace("ё", "е"))


def _folded(text: str) -> str:
    """Return the text's letters and digits alone, in lower case, ё as е."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(filter(str.isalnum, folded.replace("ё", "е")))


@cache
def _codes() -> dict[str, str]:
    """Folded name or code -> alpha-2 code. Where two share one, the first named here has it."""
    codes: dict[str, str] = {}
    for name, code in _spellings():
        codes.setdefault(_folded(name), code)
    return codes


@cache
def _codes_by_look() -> dict[str, str]:
    """The same by what the letters look like; looks that two countries share are left out."""
    looks: dict[str, set[str]] = {}
    for name, code in _codes().items():
        looks.setdefault(name.translate(_LOOKALIKES), set()).add(code)
    return {look: codes.pop() for look, codes in looks.items() if len(codes) == 1}


def _spellings() -> list[tuple[str, str]]:
    """Return (spelling, code) of every country, codes before names and ours before CLDR's."""
    codes = (str(code) for code in Locale("en").territories)
    countries = {
        code for code in codes if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES
    }
    spellings = [(code, code) for code in sorted(countries)]
    spellings += [(name, code) for code, names in _ALSO.items() for name in names]
    for language in LANGUAGES:
        territories = Locale(language).territories
        spellings += [(territories[code], code) for code in countries if code in territories]
    return spellings + _other_codes(countries)


def _other_codes(countries: set[str]) -> list[tuple[str, str]]:
    """Return the three-letter and numeric codes: CLDR keeps them as aliases of the two-letter."""
    return [
        (alias, codes[0])
        for alias, codes in get_global("territory_aliases").items()
        if len(alias) == 3 and len(codes) == 1 and codes[0] in countries
    ]
