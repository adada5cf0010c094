from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.errors import RateLimited
from rooms.rates import Limiter, Rate

RATE = Rate(3, 10.0)


def _wait(limiter: Limiter, now: float, key: str = "alice", rate: Rate = RATE) -> float:
    """Return 0 if the use is recorded, else the seconds to wait."""
    try:
        limiter.take({key: rate}, now)
    except RateLimited as refused:
        return refused.retry_after or 0
    return 0


def test_below_and_at_the_rate_everything_passes_above_it_nothing() -> None:
    limiter = Limiter()
    for now in (0.0, 1.0, 2.0):
        limiter.take({"alice": RATE}, now)
    with pytest.raises(RateLimited) as refused:
        limiter.take({"alice": RATE}, 3.0)
    assert refused.value.retry_after == pytest.approx(7, abs=0.002)
    assert refused.value.code == "rate_limited"


def test_the_window_slides_with_every_use() -> None:
    limiter = Limiter()
    for now in (0.0, 6.0, 9.0):
        limiter.take({"alice": RATE}, now)
    assert _wait(limiter, 9.999) > 0
    assert _wait(limiter, 10.0) == 0
    assert _wait(limiter, 15.9) > 0
    assert _wait(limiter, 16.0) == 0


def test_what_was_refused_is_not_counted() -> None:
    limiter = Limiter()
    for _ in range(3):
        limiter.take({"alice": RATE}, 0.0)
    for tenth in range(1, 100):
        assert _wait(limiter, tenth / 10) > 0
    for _ in range(3):
        limiter.take({"alice": RATE}, 10.0)


def test_one_persons_haste_does_not_slow_another() -> None:
    limiter = Limiter()
    for _ in range(3):
        limiter.take({"alice": RATE}, 0.0)
    assert _wait(limiter, 0.0, "alice") > 0
    assert _wait(limiter, 0.0, "bob") == 0


def test_several_keys_are_used_together_or_none_of_them() -> None:
    limiter, tight = Limiter(), Rate(1, 10.0)
    limiter.take({"alice": RATE, "house": tight}, 0.0)
    for _ in range(5):
        with pytest.raises(RateLimited) as refused:
            limiter.take({"alice": RATE, "house": tight}, 4.0)
        assert refused.value.retry_after == pytest.approx(6, abs=0.002)
    assert _wait(limiter, 4.0) == 0, "what was refused for the house was counted for alice"


def test_a_lowered_rate_holds_for_what_was_used_before() -> None:
    limiter = Limiter()
    for now in (0.0, 1.0, 2.0):
        limiter.take({"alice": RATE}, now)
    assert _wait(limiter, 3.0, rate=Rate(1, 10.0)) == pytest.approx(9, abs=0.002)


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 5, allow_subnormal=False), min_size=1, max_size=60),
    st.integers(1, 5),
    st.floats(0.1, 20),
    st.floats(0, 1e7),
)
def test_no_window_ever_holds_more_than_the_rate_and_waiting_is_enough(
    pauses: list[float], count: int, seconds: float, start: float
) -> None:
    limiter, rate, now = Limiter(), Rate(count, seconds), start
    uses = []
    for pause in pauses:
        now += pause
        if wait := _wait(limiter, now, rate=rate):
            now += wait
            limiter.take({"alice": rate}, now)
        uses.append(now)
    assert all(earlier <= later for earlier, later in pairwise(uses))
    assert all(
        earlier + seconds <= later for earlier, later in zip(uses, uses[count:], strict=False)
    )


def test_keys_whose_window_has_passed_are_forgotten() -> None:
    limiter = Limiter()
    for number in range(50_000):
        limiter.take({f"guest-{number}": RATE}, number / 10)
    assert len(limiter) < 3000


def test_keys_whose_window_still_runs_are_kept() -> None:
    limiter = Limiter()
    for _ in range(3):
        limiter.take({"alice": RATE}, 0.0)
    for number in range(5000):
        limiter.take({f"guest-{number}": RATE}, 1.0)
    assert _wait(limiter, 2.0) > 0


def test_threads_together_get_no_more_than_the_rate() -> None:
    limiter, rate = Limiter(), Rate(100, 3600.0)
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda _: _wait(limiter, 0.0, rate=rate), range(1000)))
    assert waits.count(0) == 100


def test_the_clock_is_the_monotonic_one_by_default() -> None:
    limiter = Limiter()
    limiter.take({"alice": Rate(1, 3600.0)})
    with pytest.raises(RateLimited) as refused:
        limiter.take({"alice": Rate(1, 3600.0)})
    assert refused.value.retry_after is not None
    assert 3590 < refused.value.retry_after <= 3600.001
