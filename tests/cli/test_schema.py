"""Every object that a command prints with --json is one of `attn schema`, and just one."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from schema import validator

import attncli.cli.app as app

KINDS = [part["$ref"].rpartition("/")[2] for part in validator().schema["oneOf"]]


def kind_of(record: Any) -> str:
    """The one kind of record this is."""
    text = {"$defs": validator().schema["$defs"]}
    valid = [
        kind
        for kind in KINDS
        if validator().evolve(schema={"$ref": f"#/$defs/{kind}", **text}).is_valid(record)
    ]
    assert len(valid) == 1, (valid, json.dumps(record)[:300])
    return valid[0]


@pytest.fixture
def files(tmp_path: Path, command: Callable[..., Any]) -> Path:
    """Files that the commands below read."""
    (tmp_path / "s.txt").write_text("money bank grows\n?!\n")
    (tmp_path / "p.txt").write_text("money bank 5\nriver flows 4\nmoney river 2\n")
    (tmp_path / "q.txt").write_text("money bank river flows\n")
    (tmp_path / "v.txt").write_text("money 1 2\nbank 3 4\nriver 1 0\nflows 0 1\ngrows 2 2\n")
    (tmp_path / "g.txt").write_text("0-1 1?0\n")
    (tmp_path / "t.tsv").write_text(
        "text\tlabel\n" + "money bank\ta\nriver bank\tb\nmoney grows\ta\nriver flows\tb\n" * 3
    )
    vectors, model = str(tmp_path / "v.txt"), str(tmp_path / "m.safetensors")
    trained = command("train", str(tmp_path / "t.tsv"), "-o", model, "--vectors", vectors,
                      "--epochs", "2", "-q")  # fmt: skip
    assert trained.code == 0, trained.said
    (tmp_path / "pairs.tsv").write_text(
        "text\tpair\tscore\nmoney bank\tbank\t2\nriver\tmoney\t0\nmoney grows\tmoney\t1\nriver\tbank\t1\n"
    )
    pairs = command("train", str(tmp_path / "pairs.tsv"), "-o", str(tmp_path / "pairs.st"),
                    "--vectors", vectors, "--epochs", "1", "--heads", "1", "-q")  # fmt: skip
    assert pairs.code == 0, pairs.said
    for name, text in (("a.json", "money bank"), ("b.json", "money grows")):
        ended = command("explain", text, "--vectors", vectors, "-o", str(tmp_path / name), "-q")
        assert ended.code == 0, ended.said
    return tmp_path


COMMANDS: list[tuple[str, str, list[str]]] = [
    ("explain", "result", ["money bank", "--vectors", "v.txt", "--include", "query,measures"]),
    ("explain", "result", ["money bank", "--vectors", "v.txt", "--top", "1"]),
    ("explain", "result", ["money bank", "--vectors", "v.txt", "--exclude", "text,model"]),
    ("explain", "result", ["money bank", "--model", "m.safetensors", "--vectors", "v.txt"]),
    ("explain", "against", ["money bank", "--attention", "task", "--vectors", "v.txt", "--against", "general"]),
    ("explain", "against", ["a piece of cake", "--model", "idioms", "--against", "general", "--head", "0"]),
    ("explain", "error", ["money bank", "!!", "--vectors", "v.txt"]),
    ("batch", "error", ["s.txt", "--vectors", "v.txt"]),
    ("batch", "result", ["s.txt", "s.txt", "--vectors", "v.txt", "--top", "2"]),
    ("view", "result", ["a.json"]),
    ("view", "head-map", ["a.json", "--map"]),
    ("explain", "head-map", ["money bank .", "--attention", "task", "--heads", "2", "--vectors", "v.txt", "--map"]),
    ("compare", "comparison", ["money bank", "river bank", "--word", "bank", "--vectors", "v.txt"]),
    ("compare", "comparison", ["money bank", "river bank", "--word", "bank", "--model", "m.safetensors", "--vectors", "v.txt"]),
    ("diff", "difference", ["a.json", "b.json"]),
    ("diff", "difference", ["a.json", "a.json"]),
    ("train", "training", ["t.tsv", "-o", "n.safetensors", "--vectors", "v.txt", "--epochs", "1"]),
    ("train", "gradient-check", ["t.tsv", "--check-grad", "--vectors", "v.txt"]),
    ("evaluate", "evaluation", ["t.tsv", "--model", "m.safetensors", "--vectors", "v.txt"]),
    ("train", "fold", ["t.tsv", "--folds", "2", "--vectors", "v.txt", "--epochs", "1"]),
    ("train", "cross-validation", ["t.tsv", "--folds", "2", "--vectors", "v.txt", "--epochs", "1"]),
    ("train", "learning-curve", ["t.tsv", "--learning-curve", "--held-out", "0.4", "--vectors", "v.txt", "--epochs", "1"]),
    ("predict", "prediction", ["t.tsv", "--model", "m.safetensors", "--vectors", "v.txt"]),
    ("explain", "pair", ["money bank", "river flows", "--model", "pairs.st", "--vectors", "v.txt"]),
    ("train", "training", ["pairs.tsv", "-o", "n.st", "--vectors", "v.txt", "--epochs", "1", "--held-out", "0.4"]),
    ("train", "pair-fold", ["pairs.tsv", "--folds", "2", "--vectors", "v.txt", "--epochs", "1"]),
    ("train", "pair-cross-validation", ["pairs.tsv", "--folds", "2", "--vectors", "v.txt", "--epochs", "1"]),
    ("train", "pair-learning-curve", ["pairs.tsv", "--learning-curve", "--held-out", "0.5", "--vectors", "v.txt", "--epochs", "1"]),
    ("evaluate", "pair-evaluation", ["pairs.tsv", "--model", "pairs.st", "--vectors", "v.txt"]),
    ("align", "alignment", ["money bank", "bank money", "--vectors", "v.txt"]),
    ("align", "error", ["s.txt", "--vectors", "v.txt"]),
    ("align", "alignment-scores", ["money bank", "bank money", "--vectors", "v.txt", "--gold", "g.txt"]),
    ("predict", "pair-prediction", ["pairs.tsv", "--model", "pairs.st", "--vectors", "v.txt"]),
    ("model info", "model-trained", ["pairs.st"]),
    ("model info", "model-trained", ["m.safetensors"]),
    ("model info", "model-trained", ["idioms"]),
    ("model list", "model-list", []),
    ("vectors list", "vectors-list", []),
    ("vectors info", "vectors-info", ["glove"]),
    ("vectors info", "vectors-info", ["v.txt"]),
    ("vectors import", "vectors-import", ["v.txt"]),
    ("config list", "config", []),
    ("vectors evaluate", "vectors-evaluation", ["v.txt", "--pairs", "p.txt", "--analogies", "q.txt"]),
    ("vectors similar", "neighbors", ["bank", "--vectors", "v.txt"]),
    ("vectors analogy", "analogy", ["bank", "money", "river", "--vectors", "v.txt"]),
    ("vectors get", "vectors-get", ["bank", "zzz", "--vectors", "v.txt"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "arguments"), COMMANDS)
def test_what_a_command_prints_is_in_the_schema(
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[..., Any],
    name: str,
    kind: str,
    arguments: list[str],
) -> None:
    """One kind fits each record; the one this command is for is among them."""
    monkeypatch.chdir(files)
    as_json = [] if name == "batch" else ["--json"]
    ended = command(*name.split(" "), *arguments, *as_json)
    records = [json.loads(line) for line in ended.out.splitlines()]
    assert records, ended.said
    assert kind in {kind_of(record) for record in records}


def test_a_transformer_is_in_the_schema(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `attn model info` tells of a checkpoint, and the results of one with all its fields."""
    pytest.importorskip("tokenizers")
    made = pytest.importorskip("models.made")
    made.write_model(tmp_path / "bert")
    told = command("model", "info", str(tmp_path / "bert"), "--json")
    assert kind_of(json.loads(told.out)) == "model-transformer"
    options = ["--pair", "bank", "--include", "hidden_states,scores", "--layer", "0", "--merge"]
    ended = command("explain", "money", "--model", str(tmp_path / "bert"), *options, "--json")
    assert kind_of(json.loads(ended.out)) == "result", ended.said


@pytest.mark.parametrize("method", ["word2vec", "fasttext"])
def test_learned_vectors_are_in_the_schema(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """What `attn vectors train` tells of them; it needs gensim."""
    pytest.importorskip("gensim")
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "s.txt").write_text("money bank grows\nriver bank flows\n" * 9)
    options = [
        "--name",
        "mine",
        "--method",
        method,
        "--dim",
        "4",
        "--min-count",
        "1",
        "--json",
    ]
    ended = command("vectors", "train", str(tmp_path / "s.txt"), *options)
    assert kind_of(json.loads(ended.out)) == "vectors-training", ended.said


def test_every_command_with_json_is_tried(command: Callable[..., Any]) -> None:
    """A command that has --json in its help is in the list above; `vectors fetch` needs a network."""
    tried = {name for name, _, _ in COMMANDS} | {"vectors fetch", "vectors train"}
    groups = ("vectors", "model")
    names = [name for name in app.COMMANDS if name not in (*groups, "schema")]
    for group in groups:
        text = command(group, "--help").text
        names += [f"{group} {word}" for word in re.findall(r"^\W{0,4}([a-z]+) {2,}", text, re.M)]
    with_json = {name for name in names if "--json" in command(*name.split(" "), "--help").text}
    assert {"explain", "vectors get"} <= with_json <= tried
    assert set(KINDS) == {kind for _, kind, _ in COMMANDS} | {
        "model-transformer",
        "vectors-training",
        *("batch-log", "batch-summary"),  # tests/batch/test_records.py has them
    }
