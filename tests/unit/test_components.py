"""Components: the order of starting and stopping, and what a failure leaves behind."""

import pytest

from notifygate.components import Components


class Part:
    """A component that writes down what happens to it."""

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


def test_components_stop_in_the_reverse_order() -> None:
    events: list[str] = []
    components = Components(Part(name, events) for name in "abc")
    components.start()
    components.stop()
    assert events == ["start a", "start b", "start c", "stop c", "stop b", "stop a"]


def test_component_that_fails_to_start_stops_those_before_it() -> None:
    events: list[str] = []
    components = Components([Part("a", events), Part("b", events), Part("c", events, fails=True), Part("d", events)])
    with pytest.raises(RuntimeError, match="c"):
        components.start()
    assert events == ["start a", "start b", "stop b", "stop a"]
