"""The cache: hits in another process, damage, folders that cannot serve, eviction, races."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from diffc.runtime import Cache, Kernel, key_of
from diffc.runtime.store import cache
from diffc.runtime.store.cache import default_folder

KEY = "0123abcd"
HERE = Path(__file__).parent


@pytest.fixture
def filled(tmp_path, samples):
    store = Cache(tmp_path / "cache")
    store.put(KEY, samples.take_program())
    return store


def run(script, *args, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def test_round_trip(filled, samples):
    program = filled.get(KEY)
    original = samples.take_program()
    assert program.signature == original.signature
    assert program.object_code == original.object_code
    assert dict(program.stages) == original.stages
    assert program.stats == original.stats
    assert not program.constants[0].flags.writeable
    assert Kernel(program)(np.arange(5.0), 2) == 20.0
    assert filled.folder.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in filled.folder.iterdir()] == [KEY + ".kernel"]
    assert filled.get("other") is None


def test_a_hit_in_another_process_needs_no_numba(filled):
    script = """if True:
        import sys
        import numpy as np
        from diffc.runtime import Cache, Kernel
        import llvmlite.binding
        k = Kernel(Cache(sys.argv[1]).get(sys.argv[2]))
        print(k(np.arange(5.0), 3), [n for n in ("numba", "sympy", "scipy") if n in sys.modules])
    """
    process = run(script, filled.folder, KEY)
    output, errors = process.communicate(timeout=60)
    assert output == "30.0 []\n"
    assert errors == ""


def test_every_kind_of_damage_is_a_miss_and_is_replaced(filled, samples):
    path = filled.folder / (KEY + ".kernel")
    sound = path.read_bytes()
    step = max(1, len(sound) // 150)
    damaged = [sound[:k] + bytes([sound[k] ^ 1]) + sound[k + 1 :] for k in range(0, len(sound), step)]
    damaged += [sound[:k] for k in range(0, len(sound), step)] + [sound + b"x", b"", b"{}"]
    for data in damaged:
        path.write_bytes(data)
        assert filled.get(KEY) is None
    filled.put(KEY, samples.take_program())
    assert filled.get(KEY) is not None


def test_a_link_or_a_folder_is_no_entry(filled):
    path = filled.folder / (KEY + ".kernel")
    moved = path.rename(filled.folder / "moved")
    path.symlink_to(moved)
    with pytest.warns(RuntimeWarning, match=r"one entry of its cache, .*compiled anew"):
        assert filled.get(KEY) is None


@pytest.mark.parametrize("kind", ["owner", "mode", "pipe", "size"])
def test_an_entry_that_others_can_have_written_is_not_used(filled, samples, monkeypatch, kind):
    """As one that is left in a folder which was open to all, before the owner closes it."""
    path = filled.folder / (KEY + ".kernel")
    reason = {"owner": "belongs to another user", "mode": "can be written by other users", "pipe": "no file"}
    if kind == "owner":
        real = os.fstat

        def by_another(descriptor):
            state = list(real(descriptor))
            state[stat.ST_UID] += 1
            return os.stat_result(state)

        monkeypatch.setattr(os, "fstat", by_another)
    elif kind == "mode":
        path.chmod(0o622)
    elif kind == "pipe":
        path.unlink()
        os.mkfifo(path)
    else:
        monkeypatch.setattr(cache, "_LARGEST", 1000)
    with pytest.warns(RuntimeWarning, match=f"one entry of its cache, .*{reason.get(kind, 'MB')}") as caught:
        assert [filled.get(KEY) for _ in range(3)] == [None] * 3
    assert len(caught) == 1
    assert "without a cache" not in str(caught[0].message)
    monkeypatch.undo()
    filled.put(KEY, samples.take_program())
    assert filled.get(KEY) is not None


def test_what_is_larger_than_an_entry_may_be_is_not_stored(filled, samples, monkeypatch):
    monkeypatch.setattr(cache, "_LARGEST", 1000)
    filled.put("other", samples.take_program())
    assert [each.name for each in filled.folder.iterdir()] == [KEY + ".kernel"]


def test_an_entry_under_another_key_is_a_miss(filled):
    """Whoever could rename files could else have one program run for another."""
    (filled.folder / (KEY + ".kernel")).rename(filled.folder / "other.kernel")
    assert filled.get("other") is None


def test_few_puts_look_through_the_folder(filled, samples, monkeypatch):
    program = samples.scalars_program()
    scans = []
    monkeypatch.setattr(filled, "_evict", lambda: scans.append(1))
    for number in range(256):
        filled.put(f"{number:02x}", program)
    assert len(scans) == 4
    filled.limit = 1000
    filled.put("01", program)
    assert len(scans) == 5


def refusal(store, program):
    with pytest.warns(RuntimeWarning, match="without a cache") as caught:
        store.put(KEY, program)
    return str(caught[0].message)


def test_unusable_folders_warn_once_and_never_raise(tmp_path, samples):
    program = samples.scalars_program()
    (tmp_path / "file").write_text("")
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    assert "empty it" in refusal(Cache(open_to_all), program)
    cache._warned.clear()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere/x"), open_to_all):
        store = Cache(folder)
        with pytest.warns(
            RuntimeWarning, match=r"diffc compiles without a cache: .*DIFFC_CACHE_DIR"
        ) as caught:
            store.put(KEY, program)
        assert len(caught) == 1
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            store.put(KEY, program)
            assert store.get(KEY) is None
    assert list(open_to_all.iterdir()) == []


def test_a_folder_of_another_user_is_refused(filled, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        assert filled.get(KEY) is None


def test_a_folder_that_can_only_be_read_still_serves(filled, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "utime", refuse)
    assert filled.get(KEY) is not None


def test_the_environment_chooses_the_folder(monkeypatch):
    monkeypatch.setenv("DIFFC_CACHE_DIR", "/a/b")
    assert default_folder() == Path("/a/b")
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("DIFFC_CACHE_DIR", "~/c")
    assert default_folder() == Path("/home/someone/c")
    monkeypatch.delenv("DIFFC_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert default_folder() == Path("/c/diffc")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/someone")
    assert default_folder() == Path("/home/someone/.cache/diffc")


def test_keys_depend_on_everything(monkeypatch):
    key = key_of(b"graph", {"math": "precise"})
    assert key == key_of(b"graph", {"math": "precise"})
    others = {key_of(b"other", {"math": "precise"}), key_of(b"graph", {"math": "fast"})}
    monkeypatch.setattr(cache, "ABI", 99)
    others.add(key_of(b"graph", {"math": "precise"}))
    monkeypatch.setattr(cache, "_fingerprint", lambda: "changed")
    others.add(key_of(b"graph", {"math": "precise"}))
    assert len(others | {key}) == 5
    with pytest.raises(ValueError, match="letters and digits"):
        Cache("/tmp").get("../x")


def test_the_entries_used_longest_ago_go_first(tmp_path, samples):
    program = samples.scalars_program()
    store = Cache(tmp_path)
    store.put("a0", program)
    size = (tmp_path / "a0.kernel").stat().st_size
    store.limit = 4 * size
    for number in range(1, 4):
        store.put(f"a{number}", program)
    for number in range(4):
        os.utime(tmp_path / f"a{number}.kernel", (number, number))
    assert store.get("a0") is not None  # now the one used last
    stale = tmp_path / ".x.tmp"
    stale.write_text("")
    os.utime(stale, (1, 1))
    store.put("a4", program)
    assert {each.name for each in tmp_path.iterdir()} == {"a0.kernel", "a3.kernel", "a4.kernel"}


def test_two_processes_at_once(tmp_path):
    script = """if True:
        import sys
        sys.path.insert(0, sys.argv[2])
        import sample_kernels
        from diffc.runtime import Cache, Kernel
        store = Cache(sys.argv[1])
        program = sample_kernels.scalars_program()
        for _ in range(100):
            store.put("k", program)
            assert Kernel(store.get("k"))(1.0, 2.0, 2.0) == 36.0
    """
    processes = [run(script, tmp_path, HERE) for _ in range(2)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert [each.name for each in tmp_path.iterdir()] == ["k.kernel"]
