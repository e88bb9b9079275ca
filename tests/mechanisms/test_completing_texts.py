"""A language model goes on with a text: the record is that of the whole, and what it wrote is marked."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mechanisms.test_foreseeing import ids_of, said, written
from models.made import write_tokenizer

import attncli
from attncli.cli.app import run
from attncli.errors import LimitError, UsageError
from attncli.insight.chosen_part import Part
from attncli.mechanisms.transformer import open_transformer
from attncli.models.pieces import PieceTokenizer
from attncli.results.result import AttentionResult

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A Llama over bytes, which writes parts of characters."""
    folder = tmp_path_factory.mktemp("models") / "causal"
    return written(folder, "LlamaForCausalLM", "LlamaConfig", "gpt2"), folder


def test_the_record_is_that_of_the_whole_text(causal: tuple[Any, Path]) -> None:
    """Ids as transformers writes them, text as the tokenizer spells them, attention of one pass."""
    model, folder = causal
    ids = ids_of(folder, "the bank")
    result = attncli.explain("the bank", str(folder), complete=20, include=["next"])
    every = model.generate(
        torch.tensor([ids]), do_sample=False, max_new_tokens=20, eos_token_id=None, pad_token_id=0
    )[0].tolist()
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert result.text == tokenizer.decode(every)
    assert result.text == "the bank" + said(result).completion
    assert [tokenizer.token_to_id(token.key) for token in result.tokens] == every
    assert said(result).written == tuple(range(len(ids), len(every)))
    with torch.no_grad():
        out = model(torch.tensor([every]), output_attentions=True)
    expected = torch.stack(out.attentions)[:, 0].numpy()
    np.testing.assert_allclose(result.weights, expected, atol=1e-5)
    logs = out.logits[0].double().log_softmax(-1).numpy()
    assert said(result).next[0].id == logs[-1].argmax()
    greedy = said(result).log_probabilities[len(ids) :]
    np.testing.assert_allclose(greedy, logs[len(ids) - 1 : -1].max(axis=-1), atol=1e-5)
    assert AttentionResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result


@pytest.mark.parametrize(
    "text",
    ["river 🌊 and ĳ", "naïve — “quoted”", "東京 tower\n\n x", "e\u0301 \U0001f1e9\U0001f1ea"],
)
@pytest.mark.parametrize("kind", ["gpt2", "bytes"])
def test_pieces_that_were_written_lie_where_a_tokenizer_puts_them(
    tmp_path: Path, text: str, kind: str
) -> None:
    """Whatever place a text is cut at, characters of several bytes share their place."""
    from attncli.models.pieces import PieceTokenizer
    from attncli.models.written import spelled_on

    write_tokenizer(tmp_path, "gpt2") if kind == "gpt2" else _write_bytes(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    tokenizer = PieceTokenizer(tmp_path)
    whole = tokenizer(text)
    for n in range(1, len(whole.ids)):
        cut = whole.pieces[n].start
        if whole.pieces[n - 1].end > cut or text[cut - 1].isspace():
            continue  # within a character, or behind a space that belongs to the next piece
        more = spelled_on(tokenizer, text[: whole.pieces[n - 1].end], whole.ids[:n], whole.ids[n:])
        assert text[: whole.pieces[n - 1].end] + more.text == text
        spans = [(piece.start, piece.end) for piece in more.pieces]
        assert spans == [(piece.start, piece.end) for piece in whole.pieces[n:]]
        assert [p.text for p in more.pieces] == [p.text for p in whole.pieces[n:]]


def _write_bytes(folder: Path) -> None:
    """A tokenizer as SentencePiece makes it: ▁ for spaces, bytes for what it has no piece of."""
    from tokenizers import Tokenizer, decoders, models, normalizers

    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *"ainotwervĠ", "▁a", "▁t"]
    vocab = {piece: at for at, piece in enumerate(pieces)}
    model = models.BPE(vocab, [("▁", "a"), ("▁", "t")], unk_token="<unk>", byte_fallback=True)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def test_hidden_and_merged_tokens_leave_the_marks_right(causal: tuple[Any, Path]) -> None:
    """`written` counts among the tokens that are left; layers that are chosen write the same."""
    _, folder = causal
    whole = attncli.explain("the bank", str(folder), complete=6)
    hidden = attncli.explain("the bank", str(folder), complete=6, part=Part(hide=("h", "e")))
    kept = [token for token in whole.tokens if token.text not in ("h", "e")]
    marked = [at for at, token in enumerate(kept) if token.start >= 8 or token in whole.tokens[4:]]
    assert list(said(hidden).written) == marked
    one = attncli.explain("the bank", str(folder), complete=6, part=Part(layers=(0,)))
    assert one.text == whole.text


def test_the_end_of_a_text_is_told(causal: tuple[Any, Path], tmp_path: Path) -> None:
    """A warning says after how many tokens the model ended it; its mark is not in the text."""
    _, whole = causal
    first = said(attncli.explain("the bank", str(whole), complete=4))
    last = attncli.explain("the bank", str(whole), complete=4).tokens[-1]
    folder = tmp_path / "causal"
    shutil.copytree(whole, folder)
    ends = PieceTokenizer(folder)._tokenizer.token_to_id(last.key)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ends}), "utf-8")
    analyser = open_transformer(folder, complete=4)
    (result,) = analyser(["the bank"])
    written_before = len(said(result).written)
    assert written_before < 4
    assert first.completion.startswith(said(result).completion)
    assert [warning.code for warning in result.warnings] == ["text-ended"]
    assert f"after {written_before} of 4 tokens" in result.warnings[0].message


def test_the_terminal_marks_what_was_written(
    causal: tuple[Any, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """A line with the text, a + before its words, and its tokens among the tokens."""
    _, folder = causal
    arguments = ("explain", "the bank", "-m", str(folder), "--complete", "3", "--layer", "0")
    assert run((*arguments, "--head", "0", "--show", "tokens,weights")) == 0
    shown = capsys.readouterr().out
    assert 'the model went on by 3 tokens, marked with +: "' in shown
    assert shown.count("written by the model") == 3
    assert run(("explain", "the bank", "-m", str(folder), "--complete", "1", "--json")) == 0
    assert len(json.loads(capsys.readouterr().out)["model"]["written"]) == 1


def test_what_cannot_go_on_is_one_line(
    causal: tuple[Any, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Masked models, those without a head, words without a model, pairs, numbers out of range."""
    _, folder = causal
    written(tmp_path / "masked", "BertForMaskedLM", "BertConfig", "bert")
    written(tmp_path / "base", "LlamaModel", "LlamaConfig", "gpt2")
    for name, why in (("masked", "every token sees all"), ("base", "saved without its head")):
        with pytest.raises(UsageError, match=why):
            attncli.explain("the bank", str(tmp_path / name), complete=3)
    for wrong in (0, -1, 4097):
        with pytest.raises(UsageError, match=r"complete: .* from 1 to 4,096"):
            attncli.explain("the bank", str(folder), complete=wrong)
        assert run(("explain", "a", "-m", str(folder), "--complete", str(wrong))) == 2
    with pytest.raises(UsageError, match="pair"):
        attncli.explain("the bank", str(folder), complete=3, pair="grows")
    with pytest.raises(LimitError, match="max_tokens=10 allows no more"):
        attncli.explain("the bank", str(folder), complete=9, max_tokens=10)
    assert run(("explain", "the bank", "--complete", "3")) == 2
    assert run(("explain", "a b", "-m", str(folder), "--complete", "9", "--max-tokens", "5")) == 8
    capsys.readouterr()


def test_memory_is_asked_for_the_whole_text(
    causal: tuple[Any, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is written."""
    _, folder = causal
    monkeypatch.setattr("attncli.mechanisms.transformer_memory._SURELY_FITS", 0)
    monkeypatch.setattr("attncli.mechanisms.transformer_memory.available_memory", lambda: 100_000)
    with pytest.raises(LimitError, match="memory"):
        attncli.explain("the bank", str(folder), complete=900)


@pytest.mark.parametrize("kind", ["gpt2", "bytes", "bert"])
def test_a_tokenizer_without_a_decoder_spells_as_with_it(tmp_path: Path, kind: str) -> None:
    """Files of a vocabulary alone, or classes built by their options, do not say how it is joined."""
    from attncli.models.pieces import PieceTokenizer

    _write_bytes(tmp_path) if kind == "bytes" else write_tokenizer(tmp_path, kind)
    (tmp_path / "config.json").write_text("{}")
    text = "the river bank 🌊 an" if kind != "bert" else "unhappiness at the river bank"
    ids = PieceTokenizer(tmp_path)(text).ids
    expected = PieceTokenizer(tmp_path).text_of(ids)
    told = json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))
    (tmp_path / "tokenizer.json").write_text(json.dumps({**told, "decoder": None}), "utf-8")
    assert PieceTokenizer(tmp_path).text_of(ids) == expected
