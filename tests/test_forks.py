"""Forks while other threads compile, import and hold locks: the child can do all of it, too."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from diffc import forks
from diffc.compiler import without_collector

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]


def in_child(work) -> int:
    """The exit status of a child in which `work` is true: 0, or 1 where it is false, 2 where it raises."""
    child = os.fork()
    if child == 0:  # pragma: no cover
        signal.alarm(20)
        try:
            os._exit(0 if work() else 1)
        except BaseException:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


COMPILING = """if True:
    import os, random, signal, sys, threading, time
    import numpy as np
    import diffc as dc

    shared = [None, None, None]

    def compile_on(first):
        for k in range(first, 10**6, 2):
            shared[0] = f = dc.value_and_grad(dc.parse(f"sum(exp(x)*sin(x*{k}))", {"x": "f64[N]"}))
            f(np.ones(3))
            shared[1] = j = dc.jit(lambda x: np.sum(x*np.tanh(x*k)))
            j(np.ones(3)), j(np.ones(4))
            shared[2] = g = dc.grad(lambda x: np.sum(np.tanh(x*k)))
            g(np.ones(3))

    CHILDREN = [
        lambda: dc.parse(f"a*b + {random.random()}")(1.0, 2.0),
        lambda: shared[0](np.ones(3)),
        lambda: (shared[1](np.ones(3)), shared[1](np.ones(5))),
        lambda: (shared[2](np.ones(3)), dc.hessian(dc.parse("a*b + a**3"), ["a", "b"])(1.0, 2.0)),
    ]
    for first in (1, 2):
        threading.Thread(target=compile_on, args=(first,), daemon=True).start()
    while None in shared:
        time.sleep(0.01)
    moments = random.Random(1)
    found = []
    for k in range(100):
        time.sleep(moments.uniform(0, 0.02))
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            try:
                CHILDREN[k % 4]()
                os._exit(0)
            except BaseException:
                os._exit(1)
        found.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(len(found), [each for each in found if each])
    sys.stdout.flush()
    os._exit(0)
"""


@pytest.mark.scale
def test_a_hundred_forks_while_threads_compile():
    done = subprocess.run([sys.executable, "-c", COMPILING], capture_output=True, text=True, timeout=300)
    assert done.stdout == "100 []\n", done.stderr


IMPORTING = """if True:
    import os, signal, sys, threading, time
    import diffc as dc

    def work():
        import numpy as np
        assert dc.jit(lambda x: np.sum(x*np.tanh(x)))(np.zeros(3)) == 0
        f = dc.parse("sum(x@y)", {"x": "f64[N,M]", "y": "f64[M,N]"})
        k = dc.compile(f, parallel=2, cache=False)
        assert k(np.ones((100, 100)), np.ones((100, 100))) == 1e6

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    time.sleep(float(sys.argv[1]))
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    sys.stdout.flush()
    os._exit(0)
"""


@pytest.mark.scale
@pytest.mark.parametrize("delay", [0.0, 0.05, 0.1, 0.2, 0.4, 0.8])
def test_a_fork_while_another_thread_imports(delay):
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING, str(delay)], capture_output=True, text=True, timeout=200
    )
    assert done.stdout == "0\n", done.stderr


def test_a_fork_waits_for_a_module_that_a_thread_imports(tmp_path, monkeypatch):
    (tmp_path / "takes_long.py").write_text("import time\ntime.sleep(0.3)\nvalue = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(forks, "_PACKAGES", ("takes_long.",))

    def bring():
        from takes_long import value

        return value == 1

    thread = threading.Thread(target=bring)
    thread.start()
    time.sleep(0.1)
    assert in_child(bring) == 0
    thread.join()
    sys.modules.pop("takes_long")


def test_a_fork_does_not_wait_for_its_own_imports(tmp_path, monkeypatch):
    (tmp_path / "forks_itself.py").write_text(
        "import os\nchild = os.fork()\nif child == 0:\n    os._exit(0)\nos.waitpid(child, 0)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(forks, "_PACKAGES", ("forks_itself.",))
    start = time.monotonic()
    __import__("forks_itself")
    assert time.monotonic() - start < forks._PATIENCE / 2
    sys.modules.pop("forks_itself")


def test_a_lock_that_another_thread_holds_is_open_in_a_child():
    lock, is_held, leave = forks.Lock(), threading.Event(), threading.Event()

    def hold():
        with lock:
            is_held.set()
            leave.wait()

    def take():
        for _ in range(2):
            with lock:
                pass
        return True

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait()
    assert in_child(take) == 0
    leave.set()
    thread.join()
    assert take()


def test_who_forks_within_a_lock_can_leave_it():
    lock = forks.Lock()

    def again():
        with lock:
            return True

    with lock:
        child = os.fork()
        if child == 0:  # pragma: no cover
            signal.alarm(20)
    if child == 0:  # pragma: no cover
        os._exit(0 if again() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert again()


def test_a_lock_excludes():
    lock, inside, most = forks.Lock(), [], []

    def work():
        for _ in range(200):
            with lock:
                inside.append(1)
                most.append(len(inside))
                time.sleep(0)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert max(most) == 1
    assert len(most) == 800


def test_a_child_collects_garbage_though_another_thread_had_paused_it():
    is_paused, leave = threading.Event(), threading.Event()

    def pause():
        with without_collector():
            is_paused.set()
            leave.wait()

    thread = threading.Thread(target=pause)
    thread.start()
    is_paused.wait()
    assert not gc.isenabled()
    assert in_child(gc.isenabled) == 0
    with without_collector():
        assert in_child(lambda: True) == 0
    leave.set()
    thread.join()
    assert gc.isenabled()
    with without_collector():
        assert in_child(lambda: not gc.isenabled()) == 0
