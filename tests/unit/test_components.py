"""Components: the order of starting and stopping, and the effect of a failure."""

from notifygate.components import Components


class Part:
    """A component that records its starts and stops."""

    def __init__(self, name: str, events: list[str], *, fails: bool = False) -> None:
        self.name = name
        self.events = events
        self.fails = fails

    def start(self) -> None:
        if self.fails:
            raise RuntimeError(self.name)
        self.events.append(f"start {self.name}")

    def stop(self) -> None:
        self.events.append(f"stop {self.name}")


def run(*parts: str) -> list[str]:
    """Start and stop components; return the recorded events. One whose name is in capitals fails to start."""
    events: list[str] = []
    components = Components(Part(name, events, fails=name.isupper()) for name in parts)
    try:
        components.start()
    except RuntimeError as error:
        return [*events, f"failed {error}"]
    components.stop()
    return events


def test_components_stop_in_the_reverse_order() -> None:
    assert run("a", "b", "c") == ["start a", "start b", "start c", "stop c", "stop b", "stop a"]


def test_component_that_fails_to_start_stops_those_before_it() -> None:
    assert run("a", "b", "C", "d") == ["start a", "start b", "stop b", "stop a", "failed C"]
