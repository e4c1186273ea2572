"""Names stand where a reader looks for them."""

from accounts.names import by_name


def test_numbers_in_names_count_and_capitals_do_not():
    names = ["wm10", "Wm2", "wm 1", "", "10", "9", "alfa", "Beta", "wm2b"]
    said = [name for _key, name in by_name(enumerate(names))]
    assert said == ["", "9", "10", "alfa", "Beta", "Wm2", "wm2b", "wm10", "wm 1"]
