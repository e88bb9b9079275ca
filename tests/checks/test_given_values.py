"""What Python callers give instead of arrays, texts and parts of a result is said in words, or taken."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checks.wrong import WRONG, Output, result

import attncli
from attncli.embeddings.readers.any_format import ReadOptions
from attncli.embeddings.scanning import ScannedStore
from attncli.embeddings.store import MemoryStore
from attncli.errors import ArgumentError, AttnError, DataError
from attncli.results.facts import AttentionSettings, ModelInfo, ResultWarning, Token, VectorsInfo


def test_no_attentions_say_how_to_get_them() -> None:
    """What transformers gives under sdpa is answered with the option that gives weights."""
    for none in ((), [], None, (None, None), [np.eye(2), None]):
        with pytest.raises(DataError, match='attn_implementation="eager"'):
            attncli.from_attentions(none)
    with pytest.raises(ArgumentError, match=r"layer 1: found None"):
        attncli.from_attentions([np.eye(2), None])
    with pytest.raises(DataError, match=r'attentions: .*attn_implementation="eager"'):
        attncli.from_attentions({"attentions": ()})
    assert attncli.from_attentions(Output()) == attncli.from_attentions(Output.attentions)


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
        assert attncli.from_attentions(outputs, ["a", "b", "c"]) == found


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
        store = attncli.open_vectors(name).store
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


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda **more: attncli.explain("money bank", **more), "temperature"),
        (lambda **more: attncli.explain("money bank", **more), "include"),
        (lambda **more: attncli.analyser(**more), "temperature"),
        (lambda **more: attncli.compare(["a b", "b c"], **more), "neighbors"),
        (lambda **more: attncli.batch("no.txt", "no.jsonl", **more), "workers"),
        (lambda **more: attncli.batch("no.txt", "no.jsonl", **more), "resume"),
        (lambda **more: attncli.train("no.tsv", **more), "text_column"),
        (lambda **more: attncli.train("no.tsv", **more), "epochs"),
        (lambda **more: attncli.cross_validate("no.tsv", **more), "folds"),
        (lambda **more: attncli.learning_curve("no.tsv", **more), "text_column"),
        (lambda **more: attncli.save([], "no.svg", **more), "precision"),
    ],
)
def test_an_argument_of_no_such_name_says_which_was_meant(call, meant):
    """And lists what the function takes, which is nothing that begins with an underscore."""
    wrong = f"{meant}z"
    with pytest.raises(attncli.AttnError) as fault:
        call(**{wrong: 1})
    said = str(fault.value)
    assert said.startswith(f'{wrong}: no argument is called so; did you mean "{meant}"? Expected')
    listed = said.partition("Expected one of ")[2].split(", ")
    assert meant in listed
    assert not [name for name in listed if not name.isidentifier() or name.startswith("_")]
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"heads": 1}, "part.heads: found the number 1, expected several whole numbers, as (0, 1)"),
        ({"layers": "0"}, 'part.layers: found the text "0", expected several whole numbers'),
        ({"heads": (0, "1")}, 'part.heads[1]: found the text "1", expected a whole number'),
        ({"hide": "the"}, 'part.hide: found the text "the", expected a list of texts'),
        ({"over": "heads"}, 'part.over: found the text "heads", expected a list of texts'),
        ({"over": ("head",)}, 'part.over: found "head", expected one of layers, heads'),
        ({"how": "sum"}, 'part.how: found "sum", expected one of mean, max'),
        ({"merge": 1}, "part.merge: found the number 1, expected True or False"),
    ],
)
def test_a_part_that_chooses_nothing_is_said_where_it_is_made(choice: Any, said: str) -> None:
    """Not in the middle of a computation, and never taken letter by letter."""
    with pytest.raises(attncli.AttnError, match=re.escape(said)):
        attncli.Part(**choice)


def test_lists_and_arrays_choose_a_part_as_tuples_do() -> None:
    """A part made of them is the same part, and can be a key."""
    parts = {attncli.Part(heads=several) for several in ([0, 2], (0, 2), np.array([0, 2]))}
    assert parts == {attncli.Part(heads=(0, 2))}
    assert attncli.Part(heads=range(2)) == attncli.Part(heads=(0, 1))


def test_who_asks_for_a_head_is_led_to_the_part() -> None:
    """Of a function that takes one, and of a result that is saved."""
    result = attncli.explain("money bank", attention="task", heads=2)
    with pytest.raises(attncli.AttnError) as failed:
        result.save("x.svg", head=1)
    assert failed.value.hints == (
        "attncli.Part(heads=(0,)).of(result) is a part of a result, and is saved as one",
    )
    with pytest.raises(attncli.AttnError) as failed:
        attncli.explain("money bank", layer=0)
    assert failed.value.hints == ("part=attncli.Part(layers=(0,)) chooses a part of the results",)
    with pytest.raises(attncli.AttnError) as failed:
        attncli.train([], head=0)
    assert failed.value.hints == ()
