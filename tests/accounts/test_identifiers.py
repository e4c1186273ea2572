import threading
import time
import uuid
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from accounts import identifiers
from accounts.identifiers import uuid7


def test_it_is_a_version_7_uuid_of_the_rfc_variant():
    made = uuid7()
    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_its_first_48_bits_are_the_time_in_milliseconds():
    before = time.time_ns() // 1_000_000
    made = uuid7().int >> 80
    assert before - 1000 <= made <= time.time_ns() // 1_000_000 + 1000


def test_each_is_greater_than_the_one_before():
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_a_clock_set_back_does_not_break_the_order():
    latest = uuid7()
    with mock.patch("time.time_ns", return_value=0):
        assert uuid7() > latest


def test_threads_never_make_the_same_one():
    made: list[uuid.UUID] = []
    threads = [
        threading.Thread(target=lambda: made.extend([uuid7() for _ in range(2_000)]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 16_000


@given(st.integers(0, 2**48 - 2), st.integers(0, 2**74 - 1), st.integers(0, 2**48 - 2))
def test_the_next_is_always_later_and_fits(milliseconds, tail, now):
    following = identifiers._following(milliseconds, tail, now=now)
    assert following > (milliseconds, tail)
    assert following[0] < 2**48
    assert following[1] < 2**74
