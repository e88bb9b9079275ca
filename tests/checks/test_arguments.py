"""What Python callers give is checked at the border: said in words, never by an error from inside."""

import inspect
import math
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attncli
from attncli.api.training import TrainChoices
from attncli.embeddings.readers.opening import ReadOptions
from attncli.embeddings.scanning import ScannedStore
from attncli.embeddings.store import MemoryStore
from attncli.errors import ArgumentError, AttnError, DataError
from attncli.mechanisms.general import GeneralSettings
from attncli.reading.reader import ReadingSettings
from attncli.results.result import AttentionSettings, ModelInfo, ResultWarning, Token, VectorsInfo
from attncli.settings import BatchChoices, Choices, TrainingSettings
from attncli.training.rows import Row


class Hostile:
    """An object whose every conversion fails."""

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise RuntimeError("no array")

    def __iter__(self) -> Any:
        raise RuntimeError("no items")

    def __len__(self) -> int:
        raise RuntimeError("no length")

    def __fspath__(self) -> str:
        raise RuntimeError("no path")


def refuses(*_: object, **__: object) -> Any:
    """What a method does that always fails."""
    raise RuntimeError("not shown")


def unshown(kind: type, *of: Any) -> Any:
    """A value of a kind, whose every way to be shown fails."""
    ways = dict.fromkeys(("__repr__", "__str__", "__format__"), refuses)
    return type(f"Unshown{kind.__name__.title()}", (kind,), ways)(*of)


class Closed:
    """An object that gives no attribute and is not shown."""

    __repr__ = __str__ = refuses

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no attribute")


class Shapeless:
    """An object whose shape is no shape."""

    shape = property(refuses)
    __repr__ = refuses


class Output(dict[str, Any]):
    """As ModelOutput of transformers: a dictionary with attributes."""

    attentions = (np.full((1, 2, 2, 2), 0.5),)


WRONG: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "number": lambda: 7,
    "negative": lambda: -1,
    "huge": lambda: 10**5000,
    "float": lambda: 1.5,
    "nan": lambda: math.nan,
    "inf": lambda: math.inf,
    "complex": lambda: 1j,
    "text": lambda: "x",
    "empty text": lambda: "",
    "NUL": lambda: "a\0b",
    "surrogate": lambda: "\ud800",
    "bytes": lambda: b"money",
    "list": lambda: [1, 2],
    "texts": lambda: ["money", "bank"],
    "empty list": lambda: [],
    "empty tuple": tuple,
    "nones": lambda: (None, None),
    "ragged": lambda: [[1.0], [1.0, 2.0]],
    "nested": lambda: [[["a"]]],
    "mixed": lambda: [1, "a", None],
    "unhashable": lambda: [[]],
    "dict": lambda: {"a": 1},
    "set": lambda: {1, 2},
    "object": object,
    "class": lambda: AttentionSettings,
    "function": lambda: len,
    "generator": lambda: (i for i in range(2)),
    "hostile": Hostile,
    "model output": Output,
    "objects": lambda: np.array([None, {}], dtype=object),
    "NaNs": lambda: np.full((2, 2), np.nan),
    "vector": lambda: np.zeros(2),
    "no numbers": lambda: np.zeros((0, 0)),
    "square": lambda: np.eye(2),
    "five axes": lambda: np.zeros((1, 1, 1, 2, 2)),
    "strings": lambda: np.array(["a", "b"]),
    "dates": lambda: np.array(["2020-01-01"], dtype="datetime64[D]"),
    "records": lambda: np.zeros(2, dtype=[("a", "i4")]),
    "ints": lambda: np.array([101, 102]),
    "zero axes": lambda: np.array(5),
    "path": lambda: Path("nowhere"),
}
UNSHOWN: dict[str, Callable[[], Any]] = {  # what cannot even be said
    "closed": Closed,
    "shapeless": Shapeless,
    "unshown": lambda: unshown(object),
    "unshown text": lambda: unshown(str, "money"),
    "unshown number": lambda: unshown(int, 3),
    "unshown float": lambda: unshown(float, 1.5),
    "unshown list": lambda: unshown(list, [1]),
    "unshown dict": lambda: unshown(dict, {"a": 1}),
    "unshown in a list": lambda: [unshown(object)],
    "unshown in a dict": lambda: {unshown(object): unshown(object)},
}


def result() -> attncli.AttentionResult:
    """A small result."""
    return attncli.from_attentions(np.eye(2), ["money", "bank"])


def functions(tmp_path: Path) -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    """Every public function and class, with arguments that are right."""
    x, r = np.eye(2), result()
    texts = {"figurative": "a piece of cake", "literal": "we ate a piece of cake"}
    rows = [Row(text, label, 1, None, None, "rows") for label, text in texts.items()]
    known = [Row("a piece of cake", "केक का टुकड़ा", 1, None, None, "rows")]
    return {
        "attend": (attncli.attend, {"query": x, "key": x, "value": x}),
        "analyser": (attncli.analyser, {}),
        "compare": (attncli.compare, {"texts": ["money bank", "river bank"]}),
        "diff": (attncli.diff, {"first": r, "second": r}),
        "evaluate": (attncli.evaluate, {"rows": known, "model": "idioms"}),
        "explain": (attncli.explain, {"text": "money bank"}),
        "from_attentions": (attncli.from_attentions, {"attentions": x, "tokens": ["a", "b"]}),
        "open_vectors": (attncli.open_vectors, {"name": "random"}),
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
        "view": (attncli.view, {"path": tmp_path / "r.json"}),
        "train": (attncli.train, {"rows": rows, "settings": TrainingSettings(epochs=1)}),
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
        "Row": (attncli.Row, {"text": "money bank"}),
        "TrainingSettings": (attncli.TrainingSettings, {}),
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
FREE |= {
    ("save", "results", "hostile"),
    ("show", "results", "hostile"),
    ("diff", "first", "hostile"),
    ("diff", "second", "hostile"),
    ("batch", "watch", "function"),
    ("train_vectors", "watch", "function"),
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


def test_no_attentions_say_how_to_get_them() -> None:
    """What transformers gives under sdpa is answered with the option that gives weights."""
    for none in ((), [], None, (None, None), [np.eye(2), None]):
        with pytest.raises(DataError, match='attn_implementation="eager"'):
            attncli.from_attentions(none)
    with pytest.raises(ArgumentError, match=r"layer 1: found None"):
        attncli.from_attentions([np.eye(2), None])
    for output in (Output(), {"attentions": ()}):
        with pytest.raises(DataError, match=r"\.attentions"):
            attncli.from_attentions(output)


def test_ids_are_not_tokens() -> None:
    """Numbers of tokens, as a list, an array or a tensor: how texts are made of them is said."""
    for ids in ([101, 102], np.array([101, 102]), np.array([[101, 102]])):
        with pytest.raises(DataError, match="convert_ids_to_tokens"):
            attncli.from_attentions(np.eye(2), ids)
    with pytest.raises(DataError, match='found the text "ab", expected a list'):
        attncli.from_attentions(np.eye(2), "ab")
    with pytest.raises(DataError, match=r"tokens\[1\]: found a bytes"):
        attncli.from_attentions(np.eye(2), ["a", b"b"])
    assert attncli.from_attentions(np.eye(2), np.array(["a", "b"])).words == ["a", "b"]


def test_a_text_is_a_text_or_a_list_of_them() -> None:
    """None, a list of no texts: what came is named."""
    with pytest.raises(TypeError, match="found None, expected one text, or a list of texts"):
        attncli.explain(None)  # type: ignore[call-overload]
    with pytest.raises(DataError, match=r"text\[1\]: found the number 7"):
        attncli.explain(["money bank", 7])  # type: ignore[list-item]
    with pytest.raises(DataError, match="include: found the text"):
        attncli.explain("money", include="scores")


def test_errors_are_those_of_python_too() -> None:
    """Callers who catch TypeError catch it; the command's code is that of wrong data."""
    with pytest.raises(TypeError):
        attncli.read(None)  # type: ignore[arg-type]
    assert ArgumentError.exit_code == DataError.exit_code


def test_lists_are_arrays() -> None:
    """attend takes nested lists and whole numbers."""
    rows = [[1, 0], [0, 1]]
    contextual, weights = attncli.attend(rows, rows, rows, mask=[[True, False], [True, True]])
    expected = attncli.attend(*[np.eye(2)] * 3, mask=np.tri(2, dtype=bool))
    assert np.array_equal(weights, expected[1])
    assert np.array_equal(contextual, expected[0])


def test_tensors_are_arrays() -> None:
    """PyTorch tensors: with gradients, of bfloat16, in tuples, sparse; float64 stays exact."""
    torch = pytest.importorskip("torch")
    weights = torch.softmax(torch.randn(2, 3, 4, 4, dtype=torch.float64), -1)
    expected = attncli.from_attentions(weights.numpy())
    for given in (
        weights.requires_grad_(),
        tuple(layer[None] for layer in weights),
        [layer[None].requires_grad_() for layer in weights.detach()],
        [list(layer) for layer in weights.detach()],
    ):
        assert attncli.from_attentions(given) == expected
    half = attncli.from_attentions(weights.to(torch.bfloat16))
    assert np.abs(half.weights - expected.weights).max() < 0.01
    eye = torch.eye(3).to_sparse()
    assert np.array_equal(attncli.from_attentions(eye).weights[0, 0], np.eye(3))
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(3, 3, dtype=torch.bool).tril()
    contextual, given = attncli.attend(x, x, x, mask=mask)
    plain = x.detach().numpy()
    other = attncli.attend(plain, plain, plain, mask=mask.numpy())
    assert np.array_equal(contextual, other[0])
    assert np.array_equal(given, other[1])
    for wrong in (torch.tensor([101, 102]), torch.eye(2)):
        with pytest.raises(ArgumentError, match="found a Tensor of the shape"):
            attncli.explain(wrong)  # type: ignore[call-overload]
        with pytest.raises(ArgumentError):
            attncli.from_attentions(torch.eye(2), wrong)
    with pytest.raises(AttnError):
        attncli.from_attentions(torch.empty(2, 2, device="meta"))


def test_the_recipe_for_models_of_transformers_works() -> None:
    """By default transformers gives no weights, and that is said; with eager they become a result."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    sizes = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 30}
    ids = torch.tensor([[1, 2, 3]])
    for kind, is_given in (("sdpa", False), ("eager", True)):
        config = transformers.BertConfig(**sizes, num_hidden_layers=2, attn_implementation=kind)
        outputs = transformers.BertModel(config)(ids, output_attentions=True)
        if not is_given:
            with pytest.raises(DataError, match="eager"):
                attncli.from_attentions(outputs.attentions)
            continue
        found = attncli.from_attentions(outputs.attentions, ["a", "b", "c"])
        assert found.weights.shape == (2, 2, 3, 3)
        with pytest.raises(DataError, match=r"\.attentions"):
            attncli.from_attentions(outputs)


def test_a_result_of_ones_own_is_checked() -> None:
    """Parts of other kinds are named, and right ones make a result."""
    token = Token("a", 0, 1, "a", "exact")
    parts = {
        "text": "a",
        "tokens": (token,),
        "attention": AttentionSettings(),
        "weights": [[[[1.0]]]],
        "contextual": [[0.5]],
        "vectors": VectorsInfo("mine", 1),
    }
    made = attncli.AttentionResult(
        **parts, model=ModelInfo("m"), warnings=(ResultWarning("c", "m"),)
    )
    assert attncli.AttentionResult.from_dict(made.to_dict()) == made
    with pytest.raises(ArgumentError, match="tokens: found a list"):
        attncli.AttentionResult(**{**parts, "tokens": [token]})


@pytest.mark.parametrize("name", ["random", "glove", "inline", "scanned"])
@pytest.mark.parametrize("kind", sorted(set(WRONG) - {"huge"}))
def test_stores_answer_wrong_words_and_rows_in_words(name: str, kind: str, tmp_path: Path) -> None:
    """What open_vectors gives takes texts and numbers of rows, and says so of all else."""
    if name == "scanned":
        path = tmp_path / "v.txt"
        path.write_text("money 1 2\nbank 3 4\n")
        store: Any = ScannedStore("v", path, ReadOptions(), lambda kind, text: None)
    elif name == "inline":
        store = MemoryStore("v", ["money", "bank"], np.eye(2, dtype=np.float32))
    else:
        store = attncli.open_vectors(name)
    for method in ("row", "has_word", "vectors", "word"):
        said = "expected"
        try:
            getattr(store, method, repr)(WRONG[kind]())
        except AttnError as error:
            said = str(error)
        assert "expected" in said


NOT_FIELDS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "text": lambda v: {"tokens": (Token(v, 0, 1, "a", "exact"), Token("b", 2, 3, "b", "exact"))},
    "start": lambda v: {"tokens": (Token("a", v, 1, "a", "exact"), Token("b", 2, 3, "b", "exact"))},
    "kind": lambda v: {"attention": AttentionSettings(kind=v)},
    "temperature": lambda v: {"attention": AttentionSettings(temperature=v)},
    "scale": lambda v: {"attention": AttentionSettings(scale=v)},
    "dim": lambda v: {"vectors": VectorsInfo("v", v)},
    "model": lambda v: {"model": ModelInfo(v)},
    "probabilities": lambda v: {"model": ModelInfo("m", probabilities={"a": v})},
    "message": lambda v: {"warnings": (ResultWarning("code", v),)},
    "places": lambda v: {"warnings": (ResultWarning("code", "m", v),)},
    "segments": lambda v: {"segments": (v, v), "pair": "x"},
    "unknown": lambda v: {"unknown": (v,)},
    "layers": lambda v: {"selection": {"layers": v}},
    "measures": lambda v: {"measures": {"moved": v}},
}


@pytest.mark.parametrize("name", NOT_FIELDS)
@pytest.mark.parametrize("kind", sorted(set(WRONG) - {"hostile", "surrogate"}))
def test_a_part_of_another_kind_is_said_before_it_is_shown(
    name: str, kind: str, tmp_path: Path
) -> None:
    """What a result takes as its part can be written in every format."""
    try:
        changed = replace(result(), **NOT_FIELDS[name](WRONG[kind]()))
    except AttnError:
        return
    for suffix in ("json", "npz", "html", "svg", "csv", "md", "tex"):
        attncli.save(changed, tmp_path / f"r.{suffix}")


def test_masked_numbers_are_no_numbers() -> None:
    """What a masked array hides does not count as a weight."""
    hidden = np.ma.masked_array(np.eye(2), mask=[[True, False], [False, False]])
    with pytest.raises(ArgumentError, match="masked"):
        attncli.from_attentions(hidden)
    assert attncli.from_attentions(np.ma.masked_array(np.eye(2))).weights.shape == (1, 1, 2, 2)
