"""Properties that are computed once, without a lock that all objects of a class share."""

import threading
from dataclasses import dataclass

from diffc.ir.lazy import lazy


def test_it_is_computed_once():
    made = []

    @dataclass(frozen=True)
    class Square:
        side: int

        @lazy
        def area(self) -> int:
            """The area."""
            made.append(self.side)
            return self.side**2

    squares = [Square(2), Square(3)]
    assert [each.area for each in squares * 2] == [4, 9, 4, 9]
    assert made == [2, 3]
    assert Square.area.__doc__ == "The area."


def test_two_objects_do_not_wait_for_each_other_and_two_threads_get_one_value():
    both = threading.Barrier(2, timeout=20)

    class Slow:
        @lazy
        def value(self) -> object:
            both.wait()
            return object()

    def ask(*objects):
        found = []
        threads = [threading.Thread(target=lambda each=each: found.append(each.value)) for each in objects]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return found

    first, second = ask(Slow(), Slow())
    assert first is not second
    first, second = ask(*[Slow()] * 2)
    assert first is second
