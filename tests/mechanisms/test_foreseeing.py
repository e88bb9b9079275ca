"""What a language model says of a text: softmax of its logits, as transformers (eager, float32) has them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.made import write_tokenizer

import attncli
from attncli.cli.app import run
from attncli.insight.chosen_part import Part
from attncli.results.result import AttentionResult

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

SENTENCE = "the bank grows old 🌊"
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 56,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}


def written(folder: Path, kind: str, config: str, tokenizer: str, **choices: Any) -> Any:
    """A random model with a head, and a tokenizer beside it."""
    torch.manual_seed(1)
    size = 16 if tokenizer == "bert" else 260
    settings = getattr(transformers, config)(
        **SIZES, vocab_size=size, attn_implementation="eager", **choices
    )
    model = getattr(transformers, kind)(settings).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder)
    write_tokenizer(folder, tokenizer)
    return model


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A Llama over bytes."""
    folder = tmp_path_factory.mktemp("models") / "causal"
    return written(folder, "LlamaForCausalLM", "LlamaConfig", "gpt2"), folder


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A BERT over word pieces."""
    folder = tmp_path_factory.mktemp("models") / "masked"
    return written(folder, "BertForMaskedLM", "BertConfig", "bert"), folder


def ids_of(folder: Path, text: str) -> list[int]:
    """The ids that the tokenizer alone gives."""
    from tokenizers import Tokenizer

    ids: list[int] = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids
    return ids


def logs_of(model: Any, ids: list[int]) -> Any:
    """Log-probabilities after each token, in float64: (n, n_vocab)."""
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1).numpy()


def said(result: AttentionResult) -> Any:
    """What the model says of a result."""
    assert result.model is not None
    return result.model


def test_the_next_token_is_the_softmax_of_the_head(causal: tuple[Any, Path]) -> None:
    """The ten likeliest, the entropy in nats, and the log-probability of each token of the text."""
    model, folder = causal
    ids = ids_of(folder, SENTENCE)
    logs = logs_of(model, ids)
    found = said(attncli.explain(SENTENCE, str(folder), include=["next"]))
    order = np.argsort(-logs[-1])[:10]
    assert [candidate.id for candidate in found.next] == order.tolist()
    shares = [candidate.probability for candidate in found.next]
    np.testing.assert_allclose(shares, np.exp(logs[-1][order]), atol=1e-6)
    np.testing.assert_allclose(found.next_entropy, -(np.exp(logs[-1]) * logs[-1]).sum(), atol=1e-5)
    assert found.log_probabilities[0] is None
    of_text = [logs[at, token] for at, token in enumerate(ids[1:])]
    np.testing.assert_allclose(found.log_probabilities[1:], of_text, atol=1e-5)


def test_a_mask_has_its_fillers(masked: tuple[Any, Path]) -> None:
    """One place for each [MASK] of the text, in order; without any nothing is said."""
    model, folder = masked
    text = "the [MASK] grows [MASK]"
    ids = ids_of(folder, text)
    logs = logs_of(model, ids)
    found = said(attncli.explain(text, str(folder)))
    assert found.next is None
    assert [place.token for place in found.masks] == [2, 4]
    for place in found.masks:
        order = np.argsort(-logs[place.token])[:10]
        assert [candidate.id for candidate in place.candidates] == order.tolist()
        shares = [candidate.probability for candidate in place.candidates]
        np.testing.assert_allclose(shares, np.exp(logs[place.token][order]), atol=1e-6)
        here = logs[place.token]
        np.testing.assert_allclose(place.entropy, -(np.exp(here) * here).sum(), atol=1e-5)
    assert said(attncli.explain("the bank", str(folder))).masks is None


def test_layers_that_are_chosen_leave_it_as_it_is(causal: tuple[Any, Path]) -> None:
    """What comes next is said by the whole model, whatever layer is shown."""
    _, folder = causal
    whole = said(attncli.explain(SENTENCE, str(folder), include=["next"]))
    for layer in (0, 2):
        result = attncli.explain(
            SENTENCE, str(folder), include=["next"], part=Part(layers=(layer,))
        )
        assert said(result) == whole
        assert result.weights.shape[0] == 1


def test_words_are_as_probable_as_their_pieces_together(causal: tuple[Any, Path]) -> None:
    """Merged pieces add up, the first word is unknown, hidden tokens are gone."""
    _, folder = causal
    whole = attncli.explain(SENTENCE, str(folder), include=["next"])
    logs = said(whole).log_probabilities
    merged = attncli.explain(SENTENCE, str(folder), include=["next"], part=Part(merge=True))
    words = said(merged).log_probabilities
    assert words[0] is None
    assert len(words) == len(merged.tokens) < len(whole.tokens)
    first = sum(token.start < merged.tokens[0].end for token in whole.tokens)
    np.testing.assert_allclose(sum(words[1:]), sum(logs[first:]), rtol=1e-12)
    hidden = attncli.explain(SENTENCE, str(folder), include=["next"], part=Part(hide=("h", "e")))
    kept = [log for token, log in zip(whole.tokens, logs, strict=True) if token.text not in "he"]
    assert list(said(hidden).log_probabilities) == kept


def test_a_hidden_mask_is_gone_and_others_move(masked: tuple[Any, Path]) -> None:
    """The places of masks count in the tokens that are left."""
    _, folder = masked
    part = Part(hide=("[CLS]", "the"))
    found = said(attncli.explain("the [MASK] grows [MASK]", str(folder), part=part))
    assert [place.token for place in found.masks] == [0, 2]
    gone = said(attncli.explain("the [MASK] grows", str(folder), part=Part(hide=("[MASK]",))))
    assert gone.masks == ()


@pytest.mark.parametrize("kind", ["causal", "masked"])
def test_a_record_is_read_back(kind: str, request: pytest.FixtureRequest) -> None:
    """from_dict(to_dict(r)) == r, and what the JSON holds is in the schema."""
    _, folder = request.getfixturevalue(kind)
    result = attncli.explain("the [MASK] grows", str(folder), include=["next"])
    record = json.loads(json.dumps(result.to_dict()))
    assert AttentionResult.from_dict(record) == result
    assert record["model"].get("next") or record["model"].get("masks")
    silent = result.to_record(exclude=["next"])["model"]
    assert set(silent) == {"name", "sha256", "label", "probabilities", "target"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"next": [{"token": "a"}]},
        {"next": "a"},
        {"next": [{"token": "a", "text": "a", "id": "0", "probability": 1}]},
        {"next_entropy": "much"},
        {"log_probabilities": [None]},
        {"log_probabilities": ["a", "b"]},
        {"masks": [{"token": 99, "candidates": [], "entropy": 0.0}]},
        {"masks": [1]},
        {"completion": 3},
    ],
    ids=str,
)
def test_a_wrong_record_is_one_error(causal: tuple[Any, Path], wrong: dict[str, Any]) -> None:
    """Whatever a file says there."""
    _, folder = causal
    record = attncli.explain("a b", str(folder)).to_dict()
    record["model"] |= wrong
    with pytest.raises(attncli.errors.DataError):
        AttentionResult.from_dict(record)


@pytest.mark.parametrize("form", ["jsonl", "parquet", "arrow", "npz"])
def test_batches_hold_it_on_request(causal: tuple[Any, Path], tmp_path: Path, form: str) -> None:
    """Of every format that is read back: the same as alone; without --include next nothing."""
    if form in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    _, folder = causal
    lines = ["the bank", "river", "money bank grows"]
    (tmp_path / "in.txt").write_text("\n".join(lines) + "\n", "utf-8")
    for include, holds in ((["--include", "next"], True), ([], False)):
        out = tmp_path / f"out{holds}.{form}"
        arguments = ["batch", str(tmp_path / "in.txt"), "-m", str(folder), "-o", str(out)]
        assert run((*arguments, *include, "--workers", "1")) == 0
        results = list(attncli.read(out))
        for line, result in zip(lines, results, strict=True):
            alone = said(attncli.explain(line, str(folder), include=["next"]))
            assert said(result) == (alone if holds else alone.silent())


@pytest.mark.parametrize("options", [[], ["--include", "next"], ["--exclude", "next"]])
@pytest.mark.parametrize("name", ["causal", "masked"])
def test_columns_of_explain_hold_what_its_json_holds(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, options: list[str]
) -> None:
    """What is shown unasked, asked for or left out; asked for, with the columns of a batch."""
    parquet = pytest.importorskip("pyarrow.parquet")
    _, folder = request.getfixturevalue(name)
    (tmp_path / "in.txt").write_text("the bank\nmoney [MASK] grows\n", "utf-8")
    line = ["explain", "-f", str(tmp_path / "in.txt"), "-m", str(folder), *options]
    for suffix in ("json", "parquet"):
        assert run((*line, "-o", str(tmp_path / f"e.{suffix}"))) == 0
    results = list(attncli.read(tmp_path / "e.parquet"))
    assert results == list(attncli.read(tmp_path / "e.json"))
    assert any(said(result).predicts for result in results) == (options[:1] != ["--exclude"])
    if options[:1] == ["--include"]:
        batch = ["batch", *line[2:], "-o", str(tmp_path / "b.parquet"), "--workers", "1"]
        assert run(batch) == 0
        schemas = [parquet.read_schema(tmp_path / f"{one}.parquet") for one in "be"]
        assert schemas[0].equals(schemas[1])


def test_tables_of_words_say_that_it_is_left_out(
    causal: tuple[Any, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A CSV holds weights; what the model says is named among what it lacks."""
    _, folder = causal
    (tmp_path / "in.txt").write_text("the bank\n", "utf-8")
    out = str(tmp_path / "out.csv")
    run(("batch", str(tmp_path / "in.txt"), "-m", str(folder), "-o", out, "--include", "next"))
    assert "model and what it says" in " ".join(capsys.readouterr().err.split())


def test_the_terminal_shows_five(
    causal: tuple[Any, Path], masked: tuple[Any, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """On the first screen and on request; only of what has a head, and nothing of plain attention."""
    _, folder = causal
    assert run(("explain", "the bank", "-m", str(folder))) == 0
    assert "what may come next: the 5 likeliest of 260; entropy" in capsys.readouterr().out
    assert run(("explain", "the [MASK] grows", "-m", str(masked[1]), "--show", "next")) == 0
    shown = capsys.readouterr().out
    assert "what may stand there" in shown
    assert "2  [MASK]" in shown
    assert run(("explain", "the bank", "--show", "weights", "-m", str(folder))) == 0
    assert "next" not in capsys.readouterr().out
    assert run(("explain", "the bank")) == 0
    assert "come next" not in capsys.readouterr().out
    assert run(("explain", "the bank", "--show", "next")) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "only a language model says it" in said
    assert "a masked one says what may stand at each mask of the text" in said


def test_json_has_it_unless_it_is_excluded(
    causal: tuple[Any, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The next token always, each token's log-probability on request."""
    _, folder = causal

    def model(*options: str) -> Any:
        assert run(("explain", "the bank", "-m", str(folder), "--json", *options)) == 0
        return json.loads(capsys.readouterr().out)["model"]

    assert len(model()["next"]) == 10
    assert "log_probabilities" not in model()
    assert len(model("--include", "next")["log_probabilities"]) == 4
    assert not {"next", "next_entropy", "log_probabilities"} & set(model("--exclude", "next"))


def test_a_model_without_a_head_says_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No field, no error; asked for, a warning."""
    settings = transformers.BertConfig(**SIZES, vocab_size=16)
    transformers.BertModel(settings).save_pretrained(tmp_path)
    write_tokenizer(tmp_path, "bert")
    arguments = ("explain", "the [MASK]", "-m", str(tmp_path), "--json")
    assert run(arguments) == 0
    assert "masks" not in json.loads(capsys.readouterr().out)["model"]
    assert run((*arguments, "--include", "next")) == 0
    assert "--include: no result holds next" in capsys.readouterr().err


def test_logits_that_overflow_are_an_error(causal: tuple[Any, Path], tmp_path: Path) -> None:
    """Never NaN in a record."""
    from safetensors.numpy import load_file, save_file

    _, folder = causal
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    tensors = load_file(folder / "model.safetensors")
    tensors["lm_head.weight"] = np.full_like(tensors["lm_head.weight"], 3e38)
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(attncli.errors.NumericError, match="logits"):
        attncli.explain("the bank", str(tmp_path))
