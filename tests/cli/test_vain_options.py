"""Every option of every command acts, is refused, or is said to do nothing: none is passed over."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from attncli.cli.app import app_for

pytest.importorskip("tokenizers")  # one of the command lines reads a checkpoint

TEXT = "the money bank grows qqzzy naïve ."
OTHER = "the river bank flows ."

# What each option is tried with; a flag has no value.
VALUES = {
    "--agg": "max", "--against": "general", "--array": "b", "--attention": "task",
    "--balance": "0.3", "--batch-size": "3", "--byte-order": "big", "--chunk": "2",
    "--color": "always", "--column": "other", "--committee": "2", "--count": "2", "--d-k": "3",
    "--d-v": "3", "--dim": "7", "--directions": "2", "--dropout": "0.6", "--encoding": "latin-1",
    "--engine": "local", "--epochs": "3", "--exclude": "vectors", "--file": "s.txt",
    "--format": "npz", "--head": "1", "--heads": "3", "--held-out": "0.5", "--hide": "bank",
    "--id": "id", "--include": "embeddings", "--index": "1", "--inline": "money=1,0;bank=0,1",
    "--input-format": "jsonl", "--landmarks": "2", "--layer": "1", "--learning-rate": "0.1",
    "--limit": "2", "--measure": "entropy", "--log": "log.jsonl", "--max-dim": "1", "--max-line": "5",
    "--part": "cross",
    "--max-memory": "1K", "--max-tokens": "2", "--model": "idioms", "--name": "mine",
    "--neighbors": "1", "--on-bad-line": "skip", "--notation": "lecture", "--oov": "mean", "--output": "new.html",
    "--pair": "the old bank", "--preset": "lecture", "--patience": "1", "--pooling": "mean", "--positions": "sinusoidal",
    "--precision": "5", "--reach": "1", "--row": "bank", "--score": "cosine", "--seed": "5",
    "--show": "tokens", "--smoothing": "0.2", "--split": "one", "--target": "bank",
    "--target-self": "0.6", "--temperature": "2", "--tokenizer": "chars", "--tokens": "a b",
    "--tol": "5", "--tolerance": "0.2", "--top": "1", "--vectors": "random", "--weight-decay": "0.5",
    "--weight-dropout": "0.1", "--width": "40", "--window": "1", "--word": "the",
    "--word-dropout": "0.6", "--words": "w.txt", "--workers": "2", "--scheduler": "tcp://x:1",
    "--tls-ca": "x", "--tls-cert": "x", "--tls-key": "x", "--mirror": "http://127.0.0.1:9",
    "--sha256": "ff", "--w-q": "1,2;3,4", "--w-k": "1,2;3,4", "--w-v": "1,2;3,4",
    "--text-column": "other", "--label-column": "other", "--target-column": "other",
    "--pair-column": "other", "--score-column": "other", "--pair-temperature": "0.2",
    "--unsure": "0.6", "--class-weights": "a=3", "--folds": "2",
    "--symmetrize": "union", "--threshold": "2", "--gold": "g.txt", "--target-vectors": "v2.txt",
    "--align-with": "output", "--w-o": "1,2;3,4", "--matrices": "e.toml", "--title": "New", "--size": "400x310",
    "--palette": "blues", "--scale": "max", "--font-size": "9pt", "--grid": "1x9", "--complete": "1",
}  # fmt: skip

# Options that act on what is not in these files, or never on the output; docs say so.
NEVER = {
    "--help": "is no option of a run",
    "--quiet": "says less",
    "--no-cache": "changes where vectors are kept, not what comes out",
    "--truncate": "acts on sentences that are too long",
    "--resume": "acts on what an earlier run left",
    "--force": "acts on an output that is there",
    "--sync": "waits for the disk",
    "--log-file": "writes beside the output",
    "--log-level": "acts on the log",
    "--summary": "writes beside the output",
    "--workers": "changes the time, not the bytes",
    "--chunk": "changes the time, not the bytes",
    "--engine": "changes where the work is done, not the bytes",
    "--on-bad-line": "acts on lines that cannot be read",
    "--skip-bad": "acts on rows that cannot be read",
    "--json": "chooses another output: a base of its own",
    "--full": "acts on sentences of many words",
    "--max-memory": "is a limit",
    "--max-line": "is a limit",
    "--max-dim": "is a limit",
    "--name": "names what is imported",
    "--encoding": "acts on words that are not ASCII",
}

BASES = {
    "explain": "explain TEXT",
    "explain random": "explain TEXT --vectors random",
    "explain json": "explain TEXT --json",
    "explain speak": "explain TEXT --speak",
    "explain steps": "explain TEXT --steps",
    "explain diagram": "explain TEXT --diagram --vectors random --dim 4",
    "explain diagram svg": "explain TEXT --diagram -o x.svg",
    "explain diagram md": "explain TEXT --diagram -o x.md",
    "explain html": "explain TEXT -o x.html",
    "explain csv": "explain TEXT -o x.csv",
    "explain npz": "explain TEXT -o x.npz",
    "explain parquet": "explain TEXT -o x.parquet",
    "view arrow": "view r.jsonl -o x.arrow",
    "explain svg": "explain TEXT -o x.svg",
    "explain color": "explain TEXT --color always",
    "explain figure": "explain TEXT --size 500x400 -o x.svg",
    "explain figure tex": "explain TEXT --size 500x400 -o x.tex",
    "explain figure lines": "explain TEXT --attention task --heads 2 --lines -o x.svg",
    "explain figure task": "explain TEXT --attention task --heads 2 --title T -o x.svg",
    "explain against figure": "explain TEXT --attention task --against general --axes -o x.svg",
    "compare figure": "compare TEXT OTHER --word bank --no-legend -o x.svg",
    "view figure": "view r.jsonl --legend --no-axes -o x.svg",
    "view comparison svg": "view c.json -o x.svg",
    "explain task": "explain TEXT --attention task --heads 2",
    "explain given": "explain TEXT --inline money=1,0;bank=0,1 --w-q 1,0;2,1",
    "explain exercise": "explain TEXT --matrices e.toml",
    "compare given": "compare TEXT OTHER --word bank --inline money=1,0;bank=0,1 --w-q 1,0;2,1",
    "batch given": "batch s.txt --workers 1 --inline money=1,0;bank=0,1 --w-v 1,0;2,1",
    "explain against": "explain TEXT --attention task --heads 2 --against general",
    "explain against html": "explain TEXT --attention task --against general -o x.html",
    "explain against json": "explain TEXT --attention task --against general --json",
    "explain trained": "explain TEXT --model m --vectors v.txt",
    "explain checkpoint": "explain TEXT --model DIR",
    "explain map": "explain TEXT --model DIR --map",
    "explain map json": "explain TEXT --model DIR --map --json",
    "explain map svg": "explain TEXT --model DIR --map -o x.svg",
    "explain map html": "explain TEXT --model DIR --map -o x.html",
    "explain map csv": "explain TEXT --model DIR --map -o x.csv",
    "view map md": "view r.jsonl --map -o x.md",
    "explain checkpoint json": "explain TEXT --model DIR --json",
    "compare": "compare TEXT OTHER --word bank",
    "compare random": "compare TEXT OTHER --word bank --vectors random",
    "compare json": "compare TEXT OTHER --word bank --json",
    "compare html": "compare TEXT OTHER --word bank -o x.html",
    "compare csv": "compare TEXT OTHER --word bank -o x.csv",
    "compare svg": "compare TEXT OTHER --word bank -o x.svg",
    "compare checkpoint": "compare TEXT OTHER --word bank --model DIR",
    "view": "view r.jsonl",
    "view json": "view r.jsonl --json",
    "view html": "view r.jsonl -o x.html",
    "view speak": "view r.jsonl --speak",
    "view array": "view w.npy --tokens @n.txt",
    "view arrays": "view w.npz --array a --tokens @n.txt",
    "view comparison": "view c.json",
    "view comparison json": "view c.json --json",
    "view comparison html": "view c.json -o x.html",
    "diff": "diff r.jsonl r2.jsonl",
    "diff json": "diff r.jsonl r2.jsonl --json",
    "diff quiet": "diff r.jsonl r2.jsonl --quiet",
    "train": "train t.tsv -o x --vectors v.txt --epochs 2",
    "train targets": "train tt.tsv -o x --vectors v.txt --epochs 2",
    "train weights": "train w.jsonl -o x --vectors v.txt --epochs 2",
    "train check": "train t.tsv --check-grad --vectors v.txt --heads 1 --d-k 2 --d-v 2 "
    "--committee 1 --landmarks 1",
    "evaluate": "evaluate t.tsv --model m --vectors v.txt",
    "evaluate json": "evaluate t.tsv --model m --vectors v.txt --json",
    "predict": "predict t.tsv --model m --vectors v.txt",
    "predict json": "predict t.tsv --model m --vectors v.txt --json",
    "batch": "batch s.txt --workers 1",
    "batch file": "batch s.txt --workers 1 -o x.jsonl",
    "batch csv": "batch s.txt --workers 1 -o x.csv",
    "batch npz": "batch s.txt --workers 1 -o x.npz",
    "batch table": "batch t.tsv --workers 1",
    "batch json lines": "batch j.jsonl --workers 1",
    "batch checkpoint": "batch s.txt --workers 1 --model DIR",
    "align": "align TEXT OTHER --vectors v.txt",
    "align table": "align TEXT OTHER --vectors v.txt --table --color always",
    "align json": "align TEXT OTHER --vectors v.txt --json",
    "align file": "align p.tsv --vectors v.txt -o x.txt",
    "align gold": "align p.tsv --vectors v.txt --gold g.txt",
    "list": "vectors list",
    "info": "vectors info v.txt",
    "info builtin": "vectors info glove",
    "import": "vectors import v.txt --json",
    "similar": "vectors similar bank --vectors v.txt",
    "similar builtin": "vectors similar bank",
    "analogy": "vectors analogy money bank river --vectors v.txt",
    "get": "vectors get bank --vectors v.txt",
    "get json": "vectors get bank --vectors v.txt --json",
    "export": "vectors export v.txt -o x.vec",
    "model info": "model info DIR",
    "model info json": "model info DIR --json",
    "model info trained": "model info m",
    "model info trained json": "model info m --json",
}  # fmt: skip

FIGURES = [name for name in BASES if "figure" in name]
# Of one command only: the value is what is there already, or another law looks at it.
NOT_HERE = {
    ("batch npz", "--format"),
    ("batch json lines", "--input-format"),
    ("explain given", "--attention"),  # own matrices are task-specific already
    ("explain exercise", "--attention"),
    ("compare given", "--attention"),
    ("batch given", "--attention"),
    ("compare given", "--neighbors"),  # there is one other word
    ("evaluate", "--width"),  # acts on wide tables
    ("align", "--no-table"),  # what a pipe gets anyway
    ("align gold", "--no-table"),
    ("align table", "--width"),  # acts on wide words
    ("explain npz", "--steps"),  # the stages are there anyway
    *((base, "--numbers") for base in FIGURES),  # they are there, where they can be read
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands read: sentences, vectors, tables, results, models."""
    from models.made import write_model

    from attncli.cli.app import run

    folder = tmp_path_factory.mktemp("vain") / "with space"
    folder.mkdir()

    def write(name: str, *lines: str) -> None:
        (folder / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    words = "money bank river flows grows the old . un"
    rng = np.random.default_rng(3)
    vectors = [f"{w} {' '.join(map(str, rng.normal(size=6).round(2)))}" for w in words.split()]
    write("v.txt", *vectors)
    write("w.txt", "money", "bank")
    write(
        "v2.txt", *(f"{w} {' '.join(map(str, rng.normal(size=6).round(2)))}" for w in words.split())
    )
    write("p.tsv", f"{TEXT}\t{OTHER}", f"{OTHER}\t{TEXT}")
    write("g.txt", "1-1 2-3", "3-2 1-1")
    write("e.toml", "vectors = {money = [1, 0], bank = [0, 1]}", "matrices = {W_q = '1,2;3,4'}")
    write("n.txt", "naïve", "bank")
    write("s.txt", TEXT, OTHER, "# a comment", "the unhappiness")
    rows = [(f"the {w} bank", "a" if i % 3 else "b") for i, w in enumerate(words.split()[:8])]
    write(
        "t.tsv",
        "text\tlabel\tother\tid\tsplit",
        "qqzzy bank\ta\ty\t8\ttwo",
        "qqzzy\tb\ty\t8\ttwo",
        *(f"{t}\t{label}\tx {t}\t7\tone" for t, label in rows),
    )
    write(
        "tt.tsv",
        "text\tlabel\ttarget",
        "qqzzy bank\ta\tbank",
        *(f"{t}\t{label}\tbank" for t, label in rows),
    )
    write(
        "j.jsonl",
        *(
            json.dumps({"text": t, "other": f"x {t}", "id": 7})
            for t, _ in [*rows[:2], ("qqzzy", "")]
        ),
    )
    sizes = [(t, len(t.split())) for t, _ in rows]
    given = [
        {"text": t, "weights": np.full((n, n), 1 / n).tolist()}
        for t, n in sizes
        if n == 3 and "." not in t
    ]
    write("w.jsonl", *map(json.dumps, given))
    np.save(folder / "w.npy", np.array([[[0.9, 0.1], [0.3, 0.7]], np.eye(2)]))
    np.savez(folder / "w.npz", a=np.array([[[0.9, 0.1], [0.3, 0.7]], np.eye(2)]), b=np.eye(2))
    write_model(folder / "bert")
    v, quick = str(folder / "v.txt"), ("--epochs", "2", "-q", "--heads", "2")
    runs = [
        ("train", str(folder / "t.tsv"), "-o", str(folder / "m"), "--vectors", v, *quick),
        ("explain", TEXT, OTHER, "-o", str(folder / "r.jsonl"), "-q"),
        ("explain", TEXT, OTHER, "--temperature", "2", "-o", str(folder / "r2.jsonl"), "-q"),
        ("compare", TEXT, OTHER, "--word", "bank", "-o", str(folder / "c.json"), "-q"),
    ]
    for arguments in runs:
        assert run(list(arguments)) == 0
    return folder


def options_of(line: str) -> Iterator[tuple[str, bool]]:
    """Each option of a command by its longest name, and whether it is a flag."""
    words = line.split()
    command: Any = typer.main.get_command(app_for([words[0]]))
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    for parameter in command.params:
        names = [name for name in parameter.opts if name.startswith("--")]
        if names:
            if parameter.default is not True:  # to say the default is in vain
                yield max(names, key=len), bool(parameter.is_flag)
            yield from ((name, True) for name in parameter.secondary_opts)


def outcome(command: Callable[..., Any], folder: Path, files: Path, arguments: list[str]) -> Any:
    """How a command ends in a fresh copy of the files: code, stdout, files, and what it says."""
    before = {path.name for path in files.iterdir()}
    ended = command(*arguments)
    made = {}
    for path in folder.iterdir():
        if path.name not in before:
            made[path.name] = path.read_bytes() if path.is_file() else b""
            if path.is_file():
                path.unlink()
            else:
                shutil.rmtree(path)
    return ended.code, ended.out, made, ended.said


@pytest.mark.parametrize("name", BASES)
def test_no_option_is_passed_over(command, files, monkeypatch, tmp_path, name):
    """The output changes, or the option is refused, or stderr says that it does nothing."""
    if BASES[name].endswith((".parquet", ".arrow")):
        pytest.importorskip("pyarrow")
    monkeypatch.chdir(files)
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path))
    put = {"TEXT": TEXT, "OTHER": OTHER, "DIR": "bert"}
    base = [put.get(word, word) for word in BASES[name].split()]
    has_footer = base[-1].endswith((".html", ".svg", ".md", ".tex"))
    whole = outcome(command, files, files, base) if has_footer else ()
    base += ["--no-footer"] if has_footer else []  # it names every option
    code, out, made, said = outcome(command, files, files, base)
    assert code in (0, 1), said
    assert whole[:3] != (code, out, made)
    silent = []
    for option, is_flag in options_of(BASES[name]):
        if option in NEVER or option in base or (name, option) in NOT_HERE:
            continue
        more = [option] if is_flag else [option, VALUES[option]]
        other = outcome(command, files, files, [*base, *more])
        acts = other[:3] != (code, out, made)
        if not (acts or option in other[3] or option.lstrip("-") in other[3]):
            silent.append((option, other[0], other[3].strip()[:80]))
    assert silent == [], " ".join(option for option, *_ in silent)
