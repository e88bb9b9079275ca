"""What Python callers give is checked at the border: said in words, never by an error from inside."""

import inspect
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checks.wrong import (
    UNSHOWN,
    WRONG,
    result,
)

import attncli
from attncli.api.training import TrainChoices
from attncli.errors import AttnError
from attncli.mechanisms.general import GeneralSettings
from attncli.models.trained import TrainedModel
from attncli.reading.reader import ReadingSettings
from attncli.settings import BatchChoices, Choices, TrainingSettings
from attncli.training.rows import Row


def pairs() -> list[Row]:
    """Two pairs of sentences with a score."""
    return [Row("money bank", pair="a bank", score=1.0), Row("a river", pair="money", score=0.0)]


@cache
def pairs_model() -> TrainedModel:
    """A model of how alike sentences are."""
    return attncli.train(pairs(), epochs=1, heads=1, committee=1, held_out=0)


def functions(tmp_path: Path) -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    """Every public function and class, with arguments that are right."""
    x, r = np.eye(2), result()
    texts = {"figurative": "a piece of cake", "literal": "we ate a piece of cake"}
    rows = [Row(text, label, 1, None, None, "rows") for label, text in texts.items()]
    known = [Row("a piece of cake", "केक का टुकड़ा", 1, None, None, "rows")]
    return {
        "align": (attncli.align, {"source": ["money bank"], "target": ["bank money"]}),
        "attend": (attncli.attend, {"query": x, "key": x, "value": x}),
        "analyser": (attncli.analyser, {}),
        "compare": (attncli.compare, {"texts": ["money bank", "river bank"]}),
        "diff": (attncli.diff, {"first": r, "second": r}),
        "evaluate": (attncli.evaluate, {"rows": known, "model": "idioms"}),
        "evaluate_pairs": (attncli.evaluate_pairs, {"rows": pairs(), "model": pairs_model()}),
        "explain": (attncli.explain, {"text": "money bank"}),
        "export_model": (
            attncli.export_model,
            {"model": "idioms", "output": tmp_path / "t.safetensors"},
        ),
        "from_attentions": (attncli.from_attentions, {"attentions": x, "tokens": ["a", "b"]}),
        "open_vectors": (attncli.open_vectors, {"vectors": "random"}),
        "read": (attncli.read, {"path": tmp_path / "r.json"}),
        "batch": (
            attncli.batch,
            {"inputs": tmp_path / "s.txt", "output": tmp_path / "b.jsonl", "force": True},
        ),
        "train_vectors": (
            attncli.train_vectors,
            {
                "corpus": tmp_path / "s.txt",
                "name": "mine",
                "settings": attncli.CorpusSettings(dim=2, min_count=1, epochs=1),
                "force": True,
            },
        ),
        "evaluate_vectors": (
            attncli.evaluate_vectors,
            {"pairs": tmp_path / "p.tsv", "analogies": tmp_path / "a.txt", "limit": 20_000},
        ),
        "map_heads": (attncli.map_heads, {"text": "money bank"}),
        "why": (attncli.why, {"text": "money bank"}),
        "view": (attncli.view, {"path": tmp_path / "r.json"}),
        "train": (attncli.train, {"rows": rows, "settings": TrainingSettings(epochs=1)}),
        "cross_validate": (
            attncli.cross_validate,
            {"rows": rows * 2, "folds": 2, "settings": TrainingSettings(epochs=1)},
        ),
        "learning_curve": (
            attncli.learning_curve,
            {"rows": rows * 5, "settings": TrainingSettings(epochs=1, held_out=0.5)},
        ),
        "predict": (
            attncli.predict,
            {"texts": ["a piece of cake"], "model": "idioms", "targets": [1]},
        ),
        "predict_file": (
            attncli.predict_file,
            {
                "path": tmp_path / "s.txt",
                "output": tmp_path / "o.csv",
                "model": "idioms",
                "skip_bad": True,
            },
        ),
        "save": (attncli.save, {"results": r, "path": tmp_path / "r.json"}),
        "show": (attncli.show, {"results": r}),
        "AttentionResult": (
            attncli.AttentionResult,
            {
                "text": "money bank",
                "tokens": r.tokens,
                "attention": r.attention,
                "weights": r.weights,
                "contextual": r.contextual,
                "vectors": r.vectors,
            },
        ),
        "AttentionResult.from_dict": (attncli.AttentionResult.from_dict, {"record": r.to_dict()}),
        "AttentionResult.to_record": (r.to_record, {}),
        "AttnError": (attncli.AttnError, {"message": "m"}),
        "CorpusSettings": (attncli.CorpusSettings, {}),
        "LayerSettings": (attncli.LayerSettings, {}),
        "Offset": (attncli.Offset, {"start": 0}),
        "Part": (attncli.Part, {}),
        "Part.of": (attncli.Part(heads=(0,)).of, {"result": r}),
        "Row": (attncli.Row, {"text": "money bank"}),
        "TrainingSettings": (attncli.TrainingSettings, {}),
        "Prediction": (attncli.Prediction, {}),
        "Results": (attncli.Results, {}),
        "Results.save": (attncli.Results([r]).save, {"path": tmp_path / "r.json"}),
        "AttentionResult.save": (r.save, {"path": tmp_path / "r.json"}),
        "AttentionResult.matrix": (r.matrix, {}),
        "WordVectors": (attncli.WordVectors, {"store": attncli.open_vectors("random").store}),
        "WordVectors.most_similar": (
            attncli.open_vectors({"a": [1.0], "b": [2.0]}).most_similar,
            {"positive": "a"},
        ),
        "WordVectors.similarity": (
            attncli.open_vectors({"a": [1.0], "b": [2.0]}).similarity,
            {"first": "a", "second": "b"},
        ),
        "GeneralSettings": (GeneralSettings, {}),
        "ReadingSettings": (ReadingSettings, {}),
    }


NAMES = tuple(functions(Path()))
# Anything is shown as a message; what an iterator of the caller raises is the caller's.
FREE = {
    ("AttnError", name, kind)
    for name in ("message", "place", "hints")
    for kind in (*WRONG, *UNSHOWN)
}
FREE |= {("Results", "iterable", kind) for kind in (*WRONG, *UNSHOWN)}
FREE |= {("predict_file", name, "function") for name in ("note", "tick")}
FREE |= {
    ("save", "results", "hostile"),
    ("show", "results", "hostile"),
    ("diff", "first", "hostile"),
    ("diff", "second", "hostile"),
    ("batch", "watch", "function"),
    ("train_vectors", "watch", "function"),
    ("evaluate_vectors", "tick", "function"),
}


def test_every_public_name_is_tried() -> None:
    """A new function of the package gets its row here."""
    public = set(attncli.__all__) - {"__version__"}
    assert public == {name.partition(".")[0] for name in NAMES} - {
        "GeneralSettings",
        "ReadingSettings",
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_argument_is_said(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    """Every parameter × every kind of wrong value: it works, or an AttnError names what came."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    if name == "train_vectors":
        pytest.importorskip("gensim")
    function, right = functions(tmp_path)[name]
    attncli.save(result(), tmp_path / "r.json")
    (tmp_path / "s.txt").write_text("money bank")
    (tmp_path / "p.tsv").write_text("money\tbank\t7\n")
    (tmp_path / "a.txt").write_text("king queen man woman\n")
    function(**right)
    faults = []
    for parameter in inspect.signature(function).parameters:
        if parameter == "choices":
            continue  # their names are tried below
        for kind, make in {**WRONG, **UNSHOWN}.items():
            if (name, parameter, kind) in FREE:
                continue
            try:
                function(**{**right, parameter: make()})
            except AttnError as error:
                if len(str(error)) < 10 or "object has no attribute" in str(error):
                    faults.append((parameter, kind, str(error)))
            except Exception as fault:
                where = traceback.extract_tb(fault.__traceback__)[-1]
                faults.append((parameter, kind, f"{fault!r} in {where.filename}:{where.lineno}"))
    assert faults == []


@pytest.mark.parametrize("name", ["analyser", "explain", "compare", "batch", "train"])
def test_a_wrong_choice_is_said(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    """Every choice that a function takes by name × every kind of wrong value."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.txt").write_text("money bank")
    function, right = functions(tmp_path)[name]
    if name == "train":
        right = {"rows": right["rows"], "epochs": 1}
    kinds = {"batch": (Choices, BatchChoices), "train": (TrainChoices,)}.get(name, (Choices,))
    choices = {choice for kind in kinds for choice in kind.__annotations__}
    slow = {"workers", "engine", "scheduler", "max_restarts"}
    faults = []
    for choice in sorted(choices - slow):
        for kind, make in {**WRONG, **UNSHOWN}.items():
            try:
                function(**{**right, choice: make()})
            except AttnError as error:
                if len(str(error)) < 10:
                    faults.append((choice, kind, str(error)))
            except Exception as fault:
                where = traceback.extract_tb(fault.__traceback__)[-1]
                faults.append((choice, kind, f"{fault!r} in {where.filename}:{where.lineno}"))
    assert faults == []
