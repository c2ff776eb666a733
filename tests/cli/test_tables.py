"""Tables, `.csv` and `.npy` files, for `diffc train` and `diffc run`: columns, types, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.cli.arrays import read_inputs
from diffc.cli.tables import read_columns_option
from diffc.errors import InputError
from diffc.ir import parse_type
from diffc.training import read_checkpoint

NET = """\
[model]
name = "net"
[inputs]
x = "f64[N, 3]"
y = "f64[N, 2]"
[[layer]]
kind = "dense"
units = 2
[loss]
kind = "softmax_cross_entropy"
target = "y"
[train]
epochs = 3
batch_size = 8
"""
TYPES = {"x": parse_type("f64[N, 3]"), "t": parse_type("f64[N]"), "k": parse_type("i64[N]")}
COLUMNS = ["x=0:3", "t=3", "k=4"]
ROWS = np.column_stack([np.linspace(-1, 2, 12).reshape(3, 4), [4, 0, 2]])


def read(path, columns=COLUMNS, types=TYPES, **more):
    return read_inputs([str(path)], types, columns=read_columns_option(columns), **more)


def check(found):
    np.testing.assert_array_equal(found["x"], ROWS[:, :3])
    np.testing.assert_array_equal(found["t"], ROWS[:, 3])
    np.testing.assert_array_equal(found["k"], [4, 0, 2])
    assert [found[name].dtype for name in ("x", "t", "k")] == [np.float64, np.float64, np.int64]


def lines(delimiter=",", ending="\n"):
    return ending.join(delimiter.join(repr(float(each)) for each in row) for row in ROWS) + ending


HEADER = "a,b,c,t,k\n"


@pytest.mark.parametrize(
    "text",
    [
        lines(),
        lines(";"),
        lines("\t"),
        lines(ending="\r\n"),
        lines().rstrip("\n"),
        "\n\n" + lines(ending="\n\n"),
        HEADER + lines(),
        "\ufeff" + HEADER + lines(),
        "# a, b, c, t, k\n" + lines(),
        '"a","b, or not","c","t","k"\n' + lines(),
        "a;b;c;t;k\n" + lines(";"),
        HEADER + lines().replace("-1.0", '"-1.0"'),
        HEADER + lines().replace(",", " , "),
        lines().replace(",4.0", ",4").replace(",0.0\n", ",0e0\n").replace(",2.0", ",+2."),
    ],
)
def test_texts(tmp_path, text):
    path = tmp_path / "d.csv"
    path.write_text(text, encoding="utf-8", newline="")
    check(read(path))
    check(read(path, ["x=-5:3", "t=-2", "k=-1"]))


def test_against_numpy(tmp_path):
    """A file that NumPy wrote, read back to the last bit, and as NumPy reads it."""
    rng = np.random.default_rng(0)
    table = np.column_stack([rng.normal(size=(500, 4)) * 10.0 ** rng.integers(-200, 200, 500)[:, None]])
    path = tmp_path / "d.csv"
    np.savetxt(path, table, fmt="%.17g", delimiter=",", header="a,b,c,t")
    found = read(path, ["x=a,b,c", "t=t"], {name: TYPES[name] for name in ("x", "t")})
    np.testing.assert_array_equal(found["x"], table[:, :3])
    np.testing.assert_array_equal(found["t"], np.loadtxt(path, delimiter=",")[:, 3])


@pytest.mark.parametrize(
    "columns",
    [
        ["x=a,b,c", "t=t", "k=k"],
        ["x=0,1,2", "t=3", "k=4"],
        ["x=:3", "t=t", "k=4:"],
        ["x=a,1:3", "t=-2", "k=k"],
    ],
)
def test_columns(tmp_path, columns):
    (tmp_path / "d.csv").write_text(HEADER + lines())
    check(read(tmp_path / "d.csv", columns))


def test_columns_by_the_names_of_inputs(tmp_path):
    (tmp_path / "d.csv").write_text("id,k,x_1,x_0,x_2,t\n" + "".join(f"{n},{n},3,1,2,5\n" for n in range(2)))
    found = read(tmp_path / "d.csv", None)
    np.testing.assert_array_equal(found["x"], [[1, 3, 2]] * 2)
    np.testing.assert_array_equal(found["t"], [5, 5])
    np.testing.assert_array_equal(found["k"], [0, 1])


def test_an_only_input_takes_all_columns(tmp_path):
    (tmp_path / "d.csv").write_text("a,b,c\n1,2,3\n")
    types = {"x": TYPES["x"], "t": TYPES["t"]}
    found = read_inputs([str(tmp_path / "d.csv")], types, ["t"])
    np.testing.assert_array_equal(found["x"], [[1, 2, 3]])
    cube = np.ones((2, 3, 4), np.float32)
    np.save(tmp_path / "c.npy", cube)
    found = read_inputs([str(tmp_path / "c.npy")], {"c": parse_type("f32[N, 3, 4]")})
    np.testing.assert_array_equal(found["c"], cube)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, ">f8", np.int32])
def test_npy(tmp_path, dtype):
    rows = np.arange(15.0).reshape(3, 5).astype(dtype)
    np.save(tmp_path / "d.npy", np.asfortranarray(rows))
    found = read(tmp_path / "d.npy")
    np.testing.assert_array_equal(found["x"], rows[:, :3])
    np.testing.assert_array_equal(found["k"], rows[:, 4])
    np.save(tmp_path / "one.npy", rows[:, 0])
    assert read(tmp_path / "one.npy", ["t=0", "k=0"], {n: TYPES[n] for n in ("t", "k")})["k"].shape == (3,)


def test_dtypes(tmp_path):
    (tmp_path / "d.csv").write_text("0.1,1,0\n0.2,0,7\n")
    types = {
        name: parse_type(kind) for name, kind in {"a": "f32[N]", "b": "bool[N]", "c": "f64[N, 9]"}.items()
    }
    found = read(tmp_path / "d.csv", ["a=0", "b=1", "c=2"], types)
    assert [found[name].dtype for name in "abc"] == [np.float32, np.bool_, np.int64]
    np.testing.assert_array_equal(found["a"], np.array([0.1, 0.2], np.float32))
    np.testing.assert_array_equal(found["c"], [0, 7])  # class numbers, for one-hot rows


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "d.csv: the file is empty; a line of numbers for each sample is needed"),
        ("\n \n\n", "the file is empty"),
        (HEADER, "there are no samples: no line follows the columns' names"),
        (HEADER + lines() + "1,2,3\n", "line 5 has 3 columns, and the first line has 5"),
        (HEADER + "1,2,3,4,5,6\n", "line 2 has 6 columns, and the first line has 5"),
        (lines() + "\n1\n", "line 5 has 1 column, and the first line has 5"),
        (lines() + "1,2,,4,5\n", "line 4, column 2: a number is needed, not nothing; fill or remove"),
        (HEADER + lines() + "1,two,3,4,5\n", "line 5, column 'b': 'two' is no number"),
        (HEADER + "1,1_0,3,4,5\n", "line 2, column 'b': '1_0' is no number"),
        (HEADER + "\n1,0x10,3,4,5\n", "line 3, column 'b': '0x10' is no number"),
        (HEADER + "1,2,3,NaN,5\n", "line 2, column 't': a number is needed, not NaN; fill or remove such"),
        (HEADER + "1,2,3,4,5\n1,2,-inf,4,5\n", "line 3, column 'c': a number is needed, not -inf"),
        (HEADER + "1,2,3,1e999,5\n", "line 2, column 't': a number is needed, not 1e999"),
        (HEADER + "1,2,3,4,5\n1,2,3,4,1.5\n", "line 3, column 'k': k is i64[N], and 1.5 is no whole number"),
        (HEADER + "1,2,3,4,1e300\n", "line 2, column 'k': k is i64[N], and 1e+300 is no whole number"),
        ("1;2;3;4;1\n2;2;3;4,5;1\n", "line 2, column 3: '4,5' is no number"),
        ("1,2,3,4x,1\n2,2,3,4,1\n", "line 1 has texts and numbers, '4x' and '1': names of columns are no"),
        (
            "0,1,2,3,4\n" + lines(),
            "line 1 counts the columns and is no sample; remove it, or give them names",
        ),
        ('a,"b,c,t,k\n' + lines(), "line 1: quotation marks are not closed"),
        (HEADER + '1,"2,3,4,5\n', "line 2: quotation marks are not closed"),
        ("\0" * 50, "there are no columns 0:3; there is 1 column: '\\x00"),
    ],
)
def test_hostile_texts(tmp_path, text, says):
    (tmp_path / "d.csv").write_text(text, newline="")
    with pytest.raises(InputError) as problem:
        read(tmp_path / "d.csv", finite=True)
    assert says in str(problem.value)
    assert str(problem.value).startswith(f"{tmp_path / 'd.csv'}: ")
    assert len(str(problem.value)) < 500


@pytest.mark.parametrize("data", [b"\xff\xfe\x00a\n", b"PK\x03\x04\x80\x90", b"1,2,3,4,5\n1,2,\xe9,4,5\n"])
def test_bytes_that_are_no_text(tmp_path, data):
    (tmp_path / "d.csv").write_bytes(data)
    with pytest.raises(InputError, match="is no UTF-8 text; is this a CSV file"):
        read(tmp_path / "d.csv")


def test_a_long_line_and_a_large_file(tmp_path, monkeypatch):
    (tmp_path / "d.csv").write_text("1," * 5000)
    monkeypatch.setattr("diffc.cli.tables._MAX_LINE", 1000)
    with pytest.raises(InputError, match="line 1 is longer than 1,000 bytes"):
        read(tmp_path / "d.csv")
    monkeypatch.setattr("diffc.cli.tables._MAX_CSV", 100)
    with pytest.raises(InputError, match="the file is larger than 100 bytes"):
        read(tmp_path / "d.csv")


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (None, "which columns are x? Say --columns x=... t=... k=...; there are 5 columns: a, b, c, t, k"),
        (
            ["x=a,b", "t=t", "k=k"],
            "x is f64[N, 3], which takes 3 columns, and 2 are given; there are 5 columns",
        ),
        (["x=a,b,c", "t=a,b", "k=k"], "t is f64[N], which takes 1 column, and 2 are given"),
        (
            ["x=a,b,d", "t=t", "k=k"],
            "--columns x: there is no column 'd'; there are 5 columns: a, b, c, t, k",
        ),
        (["x=a,b,5", "t=t", "k=k"], "--columns x: there is no column '5'"),
        (["x=a,b,-6", "t=t", "k=k"], "--columns x: there is no column '-6'"),
        (["x=3:6", "t=t", "k=k"], "--columns x: there are no columns 3:6"),
        (["x=3:3", "t=t", "k=k"], "--columns x: there are no columns 3:3"),
        (["x=0:3", "t=t"], "the input 'k' is missing"),
        (
            ["x=0:3", "t=t", "k=k", "z=a"],
            "--columns: 'z' is no input that is to be found; to be found are x, t",
        ),
        (["x"], "--columns: 'x' is not NAME=COLUMNS, such as x=0:64"),
        (["x="], "--columns: 'x=' is not NAME=COLUMNS"),
        (["x=a,,b"], "--columns: 'x=a,,b' is not NAME=COLUMNS"),
        (["x=a", "x=b"], "--columns: 'x' is given twice"),
    ],
)
def test_columns_that_do_not_fit(tmp_path, columns, says):
    (tmp_path / "d.csv").write_text(HEADER + lines())
    with pytest.raises(InputError) as problem:
        read(tmp_path / "d.csv", columns)
    assert says in str(problem.value)


def test_a_name_that_stands_twice(tmp_path):
    (tmp_path / "d.csv").write_text("a,a,c,t,k\n" + lines())
    with pytest.raises(InputError, match="there are several columns 'a'; give a position"):
        read(tmp_path / "d.csv", ["x=a,1,2", "t=t", "k=k"])
    check(read(tmp_path / "d.csv", ["x=0:3", "t=t", "k=k"]))


def test_hostile_npy(tmp_path):
    path = tmp_path / "d.npy"
    np.save(path, np.ones((2, 5)))
    sound = path.read_bytes()
    for data in (b"", sound[:40], sound[:-1], sound + b"1", b"\x93NUMPY\x09\x00" + sound[8:]):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"d\.npy: "):
            read(path)
    for array in (np.array([{}], object), np.array([["a"] * 5]), np.ones((2, 2, 5)), np.ones(5, complex)):
        np.save(path, array, allow_pickle=True)
        with pytest.raises(InputError, match=r"Python objects|a table of numbers is needed"):
            read(path)
    np.save(path, np.array([[1, 2, 3, 4, 5.5]]))
    with pytest.raises(InputError, match=r"row 0, column 4: k is i64\[N\], and 5\.5 is no whole number"):
        read(path)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A model, and its samples in a table and in an archive."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.toml").write_text(NET)
    rng = np.random.default_rng(4)
    x, labels = rng.normal(size=(30, 3)), rng.integers(0, 2, 30)
    rows = ["p,q,r,label,note"]
    rows += [
        ",".join([*(repr(float(each)) for each in row), f"{k},n"]) for row, k in zip(x, labels, strict=True)
    ]
    (tmp_path / "d.csv").write_text("\n".join(rows))
    np.savez(tmp_path / "d.npz", x=x, y=np.eye(2)[labels])
    np.save(tmp_path / "d.npy", np.column_stack([x, labels]))
    return tmp_path


def test_train_and_run(diffc, refused, folder):
    """A table gives the same training and the same predictions as an archive."""
    by_name = ("--columns", "x=p,q,r", "y=label", "--one-hot", "y")
    by_position = ("--columns", "x=0:3", "y=3", "--one-hot", "y")
    for out, data in {"a": ["d.npz"], "b": ["d.csv", *by_name], "c": ["d.npy", *by_position]}.items():
        result = diffc("train", "net.toml", "--quiet", "--no-plot", "--out", out, "--data", *data)
        assert (result.status, result.err) == (0, "")
    one, *others = (read_checkpoint(f"{out}/checkpoint.safetensors").parameters for out in "abc")
    for other in others:
        assert {k: v.tobytes() for k, v in one.items()} == {k: v.tobytes() for k, v in other.items()}
    says = "y: expected f64[N, 2], got whole numbers of the shape (30,); if they are class numbers, say so"
    refused("train", "net.toml", "--data", "d.csv", *by_name[:3], says=says)

    diffc("build", "net.toml", "-o", "built")
    run = ("run", "built", "--kernel", "predict", "--output", "p.npz", "--input")
    model, x = dc.load_model("net.toml"), np.load("d.npz")["x"]
    for files in (
        ["d.csv", "a/parameters.safetensors", "--columns", "x=p,q,r"],
        ["a/parameters.safetensors", "d.npy", "--columns", "x=0:3", "y=3"],
    ):
        assert diffc(*run, *files).status == 0
        np.testing.assert_array_equal(np.load("p.npz")["predict"], model.predict(x, **one))
    says = "x is f64[N, 3], which takes 3 columns, and 5 are given"
    refused(*run, "d.csv", "a/parameters.safetensors", says=says)
    refused(*run, "d.csv", "d.npy", "--columns", "x=0:3", says="--columns is for one file that is a table")
    refused("run", "built", "--columns", "x=0", says="--columns is for the tables among the files of --input")


def test_data_of_a_training_that_do_not_fit(refused, folder):
    (folder / "d.csv").write_text("p,q,r,label\n1,2,3,0\n1,nan,3,1\n")
    options = ("--columns", "x=p,q,r", "y=label", "--one-hot", "y")
    refused(
        "train", "net.toml", "--data", "d.csv", *options, says="d.csv: line 3, column 'q': a number is needed"
    )
    (folder / "d.csv").write_text("p,q,r,label\n1,2,3,0\n1,2,3,2\n")
    refused(
        "train",
        "net.toml",
        "--data",
        "d.csv",
        *options,
        says="one_hot: y holds 2 in row 1; its classes are 0",
    )
