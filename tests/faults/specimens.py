"""Every reader of bytes that attn did not write this moment, each with whole files to damage.

The files are made by the project's own writers, or by the libraries whose formats they are.
"""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import vector_files as vf
from faults.fuzzing import Case

_SINGLE = [word for word in vf.WORDS if " " not in word]
RANDOM = ("--vectors", "random", "--dim", "4")
_TEXT = "money bank grows\n# a note\n\nriver bank flows café\nbank\n"
TABLE = "text,id,label,target,split\nmoney bank grows,1,a,bank,train\nriver bank flows,2,b,1,train\nthe bank,3,a,bank,test\n"
_ROWS = [
    {"text": "money bank grows", "id": "1", "label": "a", "target": "bank"},
    {"text": "river bank flows", "id": "2", "label": "b", "target": 1},
    {"text": "the bank", "id": "3", "label": "a", "target": "bank"},
]
TRAIN = (
    *RANDOM,
    "--heads",
    "1",
    "--d-k",
    "2",
    "--d-v",
    "2",
    "--committee",
    "1",
    "--epochs",
    "1",
    "--landmarks",
    "2",
    "-q",
)
_VIEWS = (
    ("view", "{file}"), ("view", "{file}", "--json"), ("view", "{file}", "--speak"), ("view", "{file}", "--steps"),
    ("view", "{file}", "-o", "o.html"), ("view", "{file}", "-o", "o.svg"), ("view", "{file}", "-o", "o.tex"), ("view", "{file}", "-o", "o.md"),
    ("view", "{file}", "--merge", "--hide", "special", "--agg", "mean", "--top", "2"), ("view", "{file}", "-o", "o.npz"), ("view", "{file}", "-o", "o.csv"),
    ("view", "{file}", "--index", "1"), ("view", "{file}", "--scores", "--tokens", "a b c"), ("view", "{file}", "--show", "all", "--full"),
    ("diff", "{file}", "good.jsonl"), ("diff", "good.jsonl", "{file}", "--json"),
)  # fmt: skip
_DIFF = frozenset({0, 1, *range(2, 15)})


def run_in_child(*lines: Sequence[str]) -> None:
    """Runs command lines of attn, in a process of its own so that nothing stays behind."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            from attncli.cli.app import run

            silent = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(silent, number)
            code = max(run(line) for line in lines)
        finally:
            os._exit(code)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if ended not in (0, 3):
        raise AssertionError(f"{lines} ended with {ended}")


def files_of(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


def vectors(_: Path) -> Iterator[Case]:
    """Files of vectors in every format and packing, read whole and through explain."""
    whole = {
        "g.txt": vf.text(), "w.txt": vf.text(header=True), "b.bin": vf.word2vec_binary(_SINGLE, vf.MATRIX[: len(_SINGLE)]),
        "c.bin": vf.word2vec_binary(_SINGLE, vf.MATRIX[: len(_SINGLE)], newline=True), "f.bin": vf.fasttext(), "o.bin": _old_fasttext(),
        "k.kv": vf.keyed_vectors(), "p.kv": vf.keyed_vectors(2), "v.npz": vf.npz(), "u.npz": vf.npz(packed=False), "s.safetensors": vf.safetensors(),
        "g.zip": vf.zipped({"g.txt": vf.text()}), "g.txt.gz": gzip.compress(vf.text()), "f.bin.gz": gzip.compress(vf.fasttext()),
        "g.tar": _tar("g.txt", vf.text()), "g.tar.gz": gzip.compress(_tar("g.txt", vf.text())),
    }  # fmt: skip
    with contextlib.suppress(ImportError):
        from backports import zstd

        whole["g.txt.zst"] = zstd.compress(vf.text())
    for name, data in whole.items():
        yield Case(f"vectors {name}", {name: data}, name, act=_loaded(name))
        lines = (
            ("explain", "the bank", "--vectors", name, "--no-cache"), ("vectors", "info", name), ("vectors", "get", "bank", "--vectors", name),
            ("vectors", "similar", "bank", "--vectors", name, "--json"), ("explain", "the banks", "--vectors", name, "--oov", "subword"),
        )  # fmt: skip
        whole_code = frozenset({5 if "tar" in name else 0})
        yield Case(f"explain {name}", {name: data}, name, lines, whole=whole_code)
    beside = {"v.npy": vf.npy(vf.MATRIX), "v.words.txt": "\n".join(vf.WORDS).encode()}
    for name in beside:
        yield Case(f"vectors {name}", beside, name, act=_loaded("v.npy"))
    vocabulary = {word: row for row, word in enumerate(vf.WORDS)}
    static = {
        "d/tokenizer.json": json.dumps(
            {"model": {"type": "WordPiece", "vocab": vocabulary}}
        ).encode(),
        "d/model.safetensors": vf.safetensors(name="embeddings"),
    }
    for name in static:
        yield Case(
            f"static {name}",
            static,
            name,
            (("explain", "the bank", "--vectors", "d"), ("vectors", "info", "d")),
        )
    yield Case(
        "inline",
        {"x": b"money=1,0;bank=.8,.6"},
        "x",
        (("explain", "money bank", "--inline", "{}"),),
    )


def packed(cases: Sequence[Case]) -> Iterator[Case]:
    """The cases of one unpacked file, packed in each way: how many bytes come is not known then."""
    ways: dict[str, Callable[[bytes], bytes]] = {
        "gz": lambda data: gzip.compress(data, 1),
        "bz2": bz2.compress,
        "xz": lambda data: lzma.compress(data, preset=0),
    }
    with contextlib.suppress(ImportError):
        from backports import zstd

        ways["zst"] = zstd.compress
    whole = [
        case for case in cases if not case.target.endswith((*ways, "zip")) and "." in case.target
    ]
    for number, case in enumerate(case for case in whole if "/" not in case.target):
        ending = list(ways)[number % len(ways)]
        name = f"{case.target}.{ending}"
        lines = [[name if part == case.target else part for part in line] for line in case.lines]
        files = {other: data for other, data in case.files.items() if other != case.target}
        files[name] = ways[ending](case.files[case.target])
        if any(name in line for line in lines):
            yield replace(case, name=f"{case.name} {ending}", files=files, target=name, lines=lines)


def _old_fasttext() -> bytes:
    """A fastText model of the first version: no magic, nothing of pruning and quantizing."""
    data, words = vf.fasttext(), sum(len(word.encode()) + 10 for word in vf.WORDS)
    pruned, quantized = 8 + 56 + 20, 8 + 56 + 20 + 8 + words
    output = quantized + 1 + 16 + (len(vf.WORDS) + 20) * vf.DIM * 4
    return (
        data[8:pruned]
        + data[pruned + 8 : quantized]
        + data[quantized + 1 : output]
        + data[output + 1 :]
    )


def _loaded(name: str) -> Callable[[bytes], object]:
    def act(_: bytes) -> object:
        from attncli.embeddings.readers.loading import load

        return load(name)

    return act


def _tar(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def saved(folder: Path) -> Iterator[Case]:
    """Saved results in every format, through every view, and the matrices of other tools."""
    (folder / "s.txt").write_text("money bank grows\nriver bank\n", encoding="utf-8")
    explain = ("explain", "-f", "s.txt", *RANDOM, "--attention", "task", "--heads", "2", "-o")
    kinds = ["jsonl", "csv", "npz"]
    with contextlib.suppress(ImportError):
        import pyarrow  # noqa: F401

        kinds += ["parquet", "arrow"]
    run_in_child(
        (*explain, "e.jsonl", "--include", "embeddings,query,key,value,scores,measures"), (*explain, "e.npz"),
        ("explain", "money bank", *RANDOM, "-o", "e.csv"), ("explain", "money bank", *RANDOM, "-o", "e.tsv"),
        ("explain", "money bank", *RANDOM, "--attention", "task", "-o", "e.json"), ("compare", "money bank", "river bank", "-o", "c.json"),
        *(("batch", "s.txt", *RANDOM, "--workers", "1", "-q", "-o", f"b.{kind}") for kind in kinds),
        ("batch", "s.txt", *RANDOM, "--workers", "1", "-q", "--top", "2", "-o", "t.jsonl"),
    )  # fmt: skip
    weights = np.random.default_rng(0).dirichlet(np.ones(3), (2, 2, 3)).astype(np.float32)
    np.save(folder / "w.npy", weights)
    np.savez(folder / "w.npz", weights=weights, tokens=np.array(["a", "b", "c"]))
    (folder / "w.json").write_text(
        json.dumps({"weights": weights.tolist(), "tokens": ["a", "b", "c"]}), encoding="ascii"
    )
    (folder / "w.csv").write_text(
        "".join(",".join(map(str, row)) + "\n" for row in weights[0, 0]), encoding="ascii"
    )
    (folder / "w.safetensors").write_bytes(vf.safetensors(matrix=weights[0, 0]))
    (folder / "j.jsonl.gz").write_bytes(gzip.compress((folder / "b.jsonl").read_bytes()))
    files = files_of(folder)
    for name, data in files.items():
        if name == "s.txt":
            continue
        lines = [[name if part == "{file}" else part for part in line] for line in _VIEWS]
        yield Case(
            f"view {name}", {name: data, "good.jsonl": files["b.jsonl"]}, name, lines, codes=_DIFF
        )
        if name != "c.json":
            yield Case(f"saved {name}", {name: data}, name, act=_results(name))
    names = {"w.npy": files["w.npy"], "t.txt": b"money\nbank\ngrows\n"}
    yield Case(
        "names @t.txt",
        names,
        "t.txt",
        (
            ("view", "w.npy", "--tokens", "@t.txt"),
            ("view", "w.npy", "--tokens", "@t.txt", "-o", "o.svg"),
        ),
    )
    for name, default in (
        ("tokens", "a b c"),
        ("layer", "0,1"),
        ("head", "-1"),
        ("agg", "mean:layers"),
        ("hide", "b"),
        ("show", "weights,tokens"),
        ("array", "w"),
    ):
        yield Case(
            f"option --{name}",
            {"w.npy": files["w.npy"], "x": default.encode()},
            "x",
            (("view", "w.npy", f"--{name}", "{}"),),
        )


def _results(name: str) -> Callable[[bytes], object]:
    def act(data: bytes) -> object:
        from attncli.matrices.reading import read_saved

        return list(read_saved(io.BytesIO(data), name))

    return act


def sentences(folder: Path) -> Iterator[Case]:
    """Files of sentences, and of examples to learn from."""
    files = {
        "s.txt": _TEXT.encode(), "l.txt": _TEXT.encode("latin-1"), "u.txt": _TEXT.encode("utf-16"), "t.csv": TABLE.encode(),
        "t.tsv": TABLE.replace(",", "\t").encode(), "t.json": json.dumps(_ROWS).encode(), "t.jsonl": b"".join(json.dumps(row).encode() + b"\n" for row in _ROWS),
        "t.csv.gz": gzip.compress(TABLE.encode()), "s.zip": vf.zipped({"s.txt": _TEXT.encode()}), "q.csv": b'text;id\n"money ""bank""\ngrows";1\nriver;2\n',
    }  # fmt: skip
    with contextlib.suppress(ImportError):
        import pyarrow
        import pyarrow.parquet

        table = pyarrow.table({name: [str(row[name]) for row in _ROWS] for name in _ROWS[0]})
        pyarrow.parquet.write_table(table, folder / "t.parquet")
        files["t.parquet"] = (folder / "t.parquet").read_bytes()
    with contextlib.suppress(ImportError):
        from backports import zstd

        files["s.txt.zst"] = zstd.compress(_TEXT.encode())
    (folder / "t.csv").write_bytes(files["t.csv"])
    run_in_child(("train", "t.csv", *TRAIN, "-o", "m.safetensors"))
    model = (folder / "m.safetensors").read_bytes()
    for name, data in files.items():
        column = ("--id", "id") if name.startswith(("t.", "q.")) else ()
        lines = (
            ("batch", name, *RANDOM, *column, "--workers", "1", "-q"), ("batch", name, *RANDOM, "--workers", "1", "-o", "o.jsonl"), ("explain", "-f", name, *RANDOM, "--json"),
            ("batch", name, *RANDOM, *column, "--workers", "1", "-q", "-o", "o.csv", "--max-tokens", "512"),  # a row a pair of tokens
        )  # fmt: skip
        yield Case(f"sentences {name}", {name: data}, name, lines)
        if name.startswith("t."):
            learn = (
                ("train", name, *TRAIN, "-o", "n.safetensors", "--log", "l.jsonl"),
                ("evaluate", name, "--model", "m.safetensors", *RANDOM),
            )
            yield Case(f"examples {name}", {name: data, "m.safetensors": model}, name, learn)
    given = b"".join(
        json.dumps({"text": "money bank", "weights": [[0.5, 0.5], [0.1, 0.9]]}).encode() + b"\n"
        for _ in range(2)
    )
    yield Case(
        "examples weights",
        {"w.jsonl": given},
        "w.jsonl",
        (("train", "w.jsonl", *TRAIN[:-5], "--epochs", "1", "-q", "-o", "n.safetensors"),),
    )
    reading = [[*line, *RANDOM] if line[0] != "model" else line for line in (
        ("explain", "money bank grows", "--model", "m.safetensors", "--target", "bank"), ("explain", "money bank", "--model", "m.safetensors", "--speak"), ("model", "info", "m.safetensors"),
        ("model", "info", "m.safetensors", "--json"), ("evaluate", "t.csv", "--model", "m.safetensors"), ("explain", "money bank", "--model", "m.safetensors", "-o", "o.svg"),
    )]  # fmt: skip
    yield Case(
        "trained model", {"m.safetensors": model, "t.csv": files["t.csv"]}, "m.safetensors", reading
    )
    yield Case(
        "text",
        {"x": _TEXT.encode()},
        "x",
        (
            ("explain", "{}", *RANDOM),
            ("explain", "{}", *RANDOM, "-o", "o.svg"),
            ("explain", "{}", *RANDOM, "--json"),
            ("compare", "{}", "bank money", "--word", "bank"),
        ),
    )
    for name in (
        "COLUMNS",
        "LINES",
        "TERM",
        "COLORTERM",
        "LANG",
        "NO_COLOR",
        "ATTN_CACHE_DIR",
        "HF_HOME",
        "GENSIM_DATA_DIR",
        "HOME",
    ):
        where = (
            ("explain", "money bank"),
            ("vectors", "list"),
            ("explain", "a b", "--model", "no/such"),
            ("explain", "a b", "--vectors", "nosuch"),
        )
        yield Case(f"variable {name}", {"x": b"/tmp/money bank"}, "x", where, env={name: "{}"})
