"""How many examples hypothesis tries: few in `make test`, as many as one likes in `make fuzz`."""

import os

from hypothesis import HealthCheck, settings

_TIMES = int(os.environ.get("TIMES", "1"))


def examples(count: int, steps: int = 50) -> settings:
    """Return hypothesis' settings for so many examples, times TIMES from the environment.

    `steps` is how many steps a state machine takes in one example.
    """
    return settings(
        max_examples=count * _TIMES,
        stateful_step_count=steps,
        deadline=None,  # what is slow here is a database or a socket, and other work beside it
        print_blob=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
