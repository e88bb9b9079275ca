"""Laws of a decoder beside its encoder: three attentions in one record, and in every view of it.

The oracle is transformers (eager, float32), which is given the second text as labels.
"""

import copy
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from models.word_translators import KINDS, attentions_of, entries_of, ids_of, write_translator
from schema import validator

import attncli
from attncli.insight.chosen_part import Part
from attncli.results.facts import Token
from attncli.results.result import AttentionResult

for library in ("torch", "transformers", "tokenizers"):
    pytest.importorskip(library)

SOURCE, TARGET = "Das Haus ist klein", "The house is small ."
LONG = "der Hund schläft und die Katze trinkt Milch am Abend und das Haus ist klein und der Hund schläft"
PAIRS = (
    (SOURCE, TARGET),
    (LONG, "The dog sleeps"),
    ("Milch", "the cat drinks milk in the evening and the dog sleeps"),
)


@pytest.fixture(scope="module")
def translators(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Path]]:
    """Of each kind the model of transformers and its folder."""
    root = tmp_path_factory.mktemp("translators")
    return {kind: (write_translator(root / kind, kind), root / kind) for kind in KINDS}


@pytest.fixture(scope="module")
def bart(translators: dict[str, tuple[Any, Path]]) -> str:
    """A folder whose encoder has 3 layers of 4 heads, its decoder 2 of 8."""
    return str(translators["bart"][1])


def explained(command: Callable[..., Any], *more: str) -> Any:
    """What `attn explain` of the pair ends in."""
    return command("explain", SOURCE, "--pair", TARGET, *more)


def rows_of(text: str) -> list[list[str]]:
    """The rows of CSV."""
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_record_of_a_pair_agrees_with_transformers(
    command: Callable[..., Any], translators: dict[str, tuple[Any, Path]], kind: str
) -> None:
    """All weights and new vectors; rows are what the decoder reads, columns what the encoder read.

    Within 1e-5, beside what transformers itself is away from the same sums in float64.
    """
    model, folder = translators[kind]
    exactly = copy.deepcopy(model).double()
    entries = entries_of(folder)
    for source, target in PAIRS:
        ended = command("explain", source, "--pair", target, "--model", str(folder), "--json")
        record = json.loads(ended.text)
        validator().validate(record)
        expected = attentions_of(model, folder, source, target)
        exact = attentions_of(exactly, folder, source, target)
        read = [model.config.decoder_start_token_id, *ids_of(folder, target)[:-1]]
        decoder, cross = record["decoder"], record["cross"]
        assert [token["key"] for token in record["tokens"]] == [
            entries[i] for i in ids_of(folder, source)
        ]
        assert [token["key"] for token in decoder["tokens"]] == [entries[i] for i in read]
        assert decoder["text"] == target
        for mine, name in (
            (record["weights"], "encoder"),
            (decoder["weights"], "decoder"),
            (cross["weights"], "cross"),
            (record["contextual"], "encoder rows"),
            (decoder["contextual"], "decoder rows"),
        ):
            theirs = expected[name]
            assert np.shape(mine) == theirs.shape
            rounding = np.abs(theirs - exact[name]).max()
            allowed = 1e-5 * max(1, np.abs(theirs).max()) + rounding
            assert np.abs(np.array(mine) - theirs).max() <= allowed


def test_the_encoder_is_what_it_is_without_a_decoder(
    command: Callable[..., Any], bart: str
) -> None:
    """The record of a pair is that of the sentence alone with two fields more, and --part gives it."""
    alone = json.loads(command("explain", SOURCE, "--model", bart, "--json").text)
    pair = json.loads(explained(command, "--model", bart, "--json").text)
    del pair["decoder"], pair["cross"]
    assert pair.pop("schema") == "1.1"
    assert alone.pop("schema") == "1.0"
    assert pair == alone
    part = explained(command, "--model", bart, "--json", "--part", "encoder")
    assert json.loads(part.text) == {**alone, "schema": "1.0"}


def test_every_file_of_a_pair_holds_the_same_numbers(
    command: Callable[..., Any], bart: str, tmp_path: Path
) -> None:
    """JSON, .npz and, of each part, CSV give back what they were written of."""
    for suffix in ("json", "npz"):
        explained(command, "--model", bart, "-o", str(tmp_path / f"x.{suffix}"))
    (whole,) = attncli.read(tmp_path / "x.json")
    (packed,) = attncli.read(tmp_path / "x.npz")
    assert whole.decoder is not None
    assert whole.cross is not None
    again = attncli.explain(SOURCE, bart, pair=TARGET, include=())
    assert whole == again
    for name in ("weights", "contextual", "decoder", "cross"):
        one, other = getattr(packed, name), getattr(whole, name)
        assert np.array_equal(getattr(one, "weights", one), getattr(other, "weights", other)), name
    for part in ("encoder", "decoder", "cross"):
        path = tmp_path / f"{part}.csv"
        explained(command, "--model", bart, "--part", part, "-o", str(path))
        (read,) = attncli.view(path)
        expected = Part(which=part).of(whole)  # type: ignore[arg-type]  # a name of a part
        assert np.array_equal(read.weights, expected.weights)
        assert (read.words, read.key_words) == (expected.words, expected.key_words)


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_a_table_of_one_part_is_said_to_be_one(
    command: Callable[..., Any], bart: str, tmp_path: Path, suffix: str
) -> None:
    """Which one, and how to get the others; nothing where a part was chosen, or all are there."""
    path, record = tmp_path / f"x.{suffix}", tmp_path / "x.json"
    said = (
        f"x.{suffix} holds cross-attention alone: --part encoder and --part decoder give the others"
    )
    base = ["--model", bart]
    explained(command, *base, "-o", str(record))
    assert said in explained(command, *base, "-o", str(path)).said
    assert said in command("view", str(record), "-o", str(path)).said
    for part in ("encoder", "decoder", "cross"):
        chosen = ["--part", part, "-o", str(path)]
        assert "alone: --part" not in explained(command, *base, *chosen).said
        assert "alone: --part" not in command("view", str(record), *chosen).said
    assert explained(command, *base, "-q", "-o", str(path)).said == ""
    for more in (["-o", str(record)], ["-o", str(tmp_path / "x.svg")], []):
        assert "alone: --part" not in explained(command, *base, *more).said
    alone = command("explain", SOURCE, *base, "-o", str(path))
    assert "alone: --part" not in alone.said


def test_a_record_is_drawn_as_the_command_drew_it(command: Callable[..., Any], bart: str) -> None:
    """`attn view` of the JSON shows the cross-attention, or the part that is asked for."""
    explain = ["explain", SOURCE, "--pair", TARGET, "--model", bart]
    stored = command(*explain, "--json").out
    for more in (["--layer", "1", "--head", "3"], ["--part", "decoder", "--layer", "0"], ["--map"]):
        drawn = command(*explain, *more)
        path = Path(bart).parent / "record.json"
        path.write_bytes(stored)
        assert (
            command("view", str(path), *more).text.splitlines()[:6] == (drawn.text.splitlines()[:6])
        ), more


def test_rows_are_the_words_that_the_decoder_read(command: Callable[..., Any], bart: str) -> None:
    """The heading of the table has the source, each row a word of the target, at 80 columns."""
    text = explained(command, "--model", bart, "--width", "80", "--color", "never").text
    lines = [line.split() for line in text.splitlines()]
    at = next(i for i, line in enumerate(lines) if "Haus" in line and "→" not in line)
    assert lines[at] == ["<s>", "Das", "Haus", "ist", "klein", "</s>"]
    assert [line[0] for line in lines[at + 1 : at + 8]] == [
        *("</s>", "<s>", "The", "house", "is", "small", "."),
    ]
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_layer_is_one_of_the_part_that_is_shown(
    command: Callable[..., Any], translators: dict[str, tuple[Any, Path]], tmp_path: Path
) -> None:
    """A decoder may have layers that its encoder has not; a record of all has only common ones."""
    folder = str(translators["mt5"][1])  # 3 layers and 4
    layer = ["--model", folder, "--layer", "3", "--head", "0"]
    assert "cross-attention, layer 3 · head 0" in explained(command, *layer).text
    assert explained(command, *layer, "-o", str(tmp_path / "x.svg")).code == 0
    assert explained(command, *layer, "--part", "decoder", "--json").code == 0
    assert "--layer: found 3, expected 0…2" in explained(command, *layer, "--json").said


def test_pictures_have_a_cell_for_each_word_of_both_texts(
    command: Callable[..., Any], bart: str, tmp_path: Path
) -> None:
    """The SVG and the table of the page have n_q × n_k cells, in the order of the record."""
    (whole,) = [attncli.explain(SOURCE, bart, pair=TARGET)]
    assert whole.cross is not None
    weights = whole.cross.weights[1, 3]
    numbers = [f"{weight:.2f}" for weight in weights.ravel()]
    choice = ["--model", bart, "--layer", "1", "--head", "3"]
    for name in ("x.svg", "x.html"):
        explained(command, *choice, "-o", str(tmp_path / name))
    drawing = ElementTree.parse(tmp_path / "x.svg")
    texts = [element.text or "" for element in drawing.iter("{http://www.w3.org/2000/svg}text")]
    drawn = [text for text in texts if re.fullmatch(r"[01]\.\d\d", text)]
    assert drawn == numbers
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert re.findall(r'data-weight="[^"]*">([^<]*)</td>', page) == numbers
    held = re.search(r'<script type="application/json">(.*?)</script>', page)
    assert held is not None
    data = json.loads(held[1])
    assert (len(data["words"]), len(data["keys"])) == weights.shape


@pytest.mark.parametrize("suffix", ["md", "tex", "tsv"])
def test_texts_have_a_row_for_each_word_of_the_target(
    command: Callable[..., Any], bart: str, tmp_path: Path, suffix: str
) -> None:
    """Each row of Markdown, TeX and TSV has a number for each word of the source."""
    path = tmp_path / f"x.{suffix}"
    explained(command, "--model", bart, "--layer", "0", "--head", "0", "-o", str(path))
    lines = path.read_text(encoding="utf-8").splitlines()
    number = r"(?<![\w.])[01]\.\d+(?:e-\d+)?"
    counts = [len(re.findall(number, re.sub(r"\{HTML\}|#\w+", "", line))) for line in lines]
    assert counts.count(6) >= 7  # a table, and perhaps equations below


def test_merging_and_hiding_act_on_both_texts(command: Callable[..., Any], bart: str) -> None:
    """Pieces of both are merged, special tokens of both hidden; rows sum to 1, and all parts agree."""
    target = "The hound sleeps"  # in letters
    more = ["--merge", "--hide", "special", "--json", "--layer", "-1"]
    ended = command("explain", SOURCE, "--pair", target, "--model", bart, *more)
    record = json.loads(ended.text)
    validator().validate(record)
    assert [token["text"] for token in record["decoder"]["tokens"]] == target.split()
    assert [token["text"] for token in record["tokens"]] == SOURCE.split()
    cross = np.array(record["cross"]["weights"])
    assert cross.shape == (1, 8, 3, 4)
    assert np.allclose(cross.sum(axis=-1), 1, atol=1e-6)
    assert record["selection"]["layers"] == [2]
    assert record["cross"]["selection"]["layers"] == [1]
    read = AttentionResult.from_dict(record)
    assert AttentionResult.from_dict(read.to_dict()) == read


def test_a_merged_cross_attention_sums_keys_and_averages_rows(bart: str) -> None:
    """A word of the source gets what its pieces get; a word of the target is the mean of its own."""
    texts = {"text": "Das hund schläft", "pair": "The hound sleeps"}  # partly in letters
    whole = attncli.explain(model=bart, include=(), **texts)
    merged = attncli.explain(model=bart, include=(), part=Part(merge=True), **texts)
    assert whole.cross is not None
    assert merged.cross is not None
    before, after = whole.cross, merged.cross
    assert after.words == ["</s>", "<s>", *texts["pair"].split()]
    assert after.key_words == ["<s>", *texts["text"].split(), "</s>"]
    rows, columns = (
        _pieces(before.tokens, after.tokens),
        _pieces(before.key_tokens, after.key_tokens),
    )
    for row, own in enumerate(rows):
        for column, keys in enumerate(columns):
            expected = before.weights[..., own, :][..., keys].sum(-1).mean(-1)
            assert np.abs(after.weights[..., row, column] - expected).max() < 1e-6


def _pieces(before: tuple[Token, ...], after: tuple[Token, ...]) -> list[list[int]]:
    """The places of the pieces of each word; a piece that is a space begins the word behind it."""
    places, at = [], 0
    for word in after:
        own = [at]
        while before[own[-1]].end < word.end:
            own.append(own[-1] + 1)
        at = own[-1] + 1
        places.append(own)
    assert at == len(before)
    return places


def test_python_gives_the_parts_as_results(bart: str) -> None:
    """`.decoder` and `.cross` have matrices, tables and plots as every result."""
    pandas = pytest.importorskip("pandas")
    result = attncli.explain(SOURCE, bart, pair=TARGET)
    assert result.decoder is not None
    cross = result.cross
    assert cross is not None
    assert result.decoder.matrix(0, 1).shape == (7, 7)
    assert cross.matrix(1, 3).shape == (7, 6)
    table: Any = cross.to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert len(table) == 2 * 8 * 7 * 6
    row = table.iloc[6 * 2 + 5]
    assert (row.query_word, row.key_word) == ("The", "</s>")
    assert row.weight == cross.weights[0, 0, 2, 5]
    assert cross.head_map().n_keys == 6
    assert AttentionResult.from_dict(cross.to_dict()) == cross
    assert AttentionResult.from_dict(result.to_dict()) == result
    assert "transformer" in repr(result)


def test_data_of_a_decoder_alone_are_said_to_lack_what_it_read(
    command: Callable[..., Any], bart: str, tmp_path: Path
) -> None:
    """The file of a decoder, from a text and from a record; of all parts, of others and of pictures no word."""
    whole, said = tmp_path / "x.json", "holds the decoder alone, which read an encoder too"
    assert said not in explained(command, "--model", bart, "-o", str(whole)).said
    for suffix in ("json", "npz"):
        path = ["-o", str(tmp_path / f"d.{suffix}")]
        assert said in explained(command, "--model", bart, "--part", "decoder", *path).said
        assert said in command("view", str(whole), "--part", "decoder", *path).said
        for part in ("encoder", "cross"):
            assert said not in explained(command, "--model", bart, "--part", part, *path).said
    asked = ("--model", bart, "--part", "decoder")
    assert said not in explained(command, *asked, "-q", "-o", str(whole)).said
    assert said not in explained(command, *asked, "-o", str(tmp_path / "d.svg")).said
    assert said not in explained(command, *asked, "--json").said


def test_a_comparison_of_decoders_says_what_each_encoder_read(
    command: Callable[..., Any], bart: str, tmp_path: Path
) -> None:
    """Both have read the same words after two sentences; records and tables keep their bytes."""
    sentences = [SOURCE, "Das Haus"]
    asked = [*sentences, "--model", bart, "--pair", TARGET, "--part", "decoder", "--word", "house"]
    for path in ("", "c.md", "c.html", "c.svg", "c.tex"):
        ended = command("compare", *asked, *(["-o", str(tmp_path / path)] if path else []))
        assert ended.code == 0, ended.said
        text = (tmp_path / path).read_text("utf-8") if path else ended.text
        for sentence in sentences:
            assert f"(encoder: {sentence})" in " ".join(re.sub("<[^>]*>", " ", text).split()), path
    assert "encoder:" not in command("compare", *asked, "--json").text
    own = command("compare", *asked[:4], "--word", "Haus")
    assert own.code == 0
    assert "encoder:" not in own.text


def test_what_compares_tokens_of_one_text_is_refused_in_a_line(
    command: Callable[..., Any], bart: str
) -> None:
    """A word in two contexts is one of the encoder or of the decoder, not of two texts at once."""
    both = [SOURCE, "Das Haus", "--word", "Haus", "--model", bart, "--pair", TARGET]
    assert "--part encoder or decoder" in command("compare", *both).said
    assert command("compare", *both, "--part", "encoder").code == 0


def test_a_batch_writes_the_decoder_by_itself(
    command: Callable[..., Any], bart: str, tmp_path: Path
) -> None:
    """--part decoder is a record like any other."""
    (tmp_path / "s.txt").write_text(f"{SOURCE}\n")
    ended = command(
        "batch", str(tmp_path / "s.txt"), "--model", bart, "--pair", TARGET, "--part", "decoder",
        "--precision", "full", "-o", str(tmp_path / "x.jsonl"),
    )  # fmt: skip
    assert ended.code == 0
    (read,) = attncli.read(tmp_path / "x.jsonl")
    whole = attncli.explain(SOURCE, bart, pair=TARGET)
    assert whole.decoder is not None
    assert np.array_equal(read.weights, whole.decoder.weights)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_second_text_the_decoder_writes_it(
    command: Callable[..., Any], translators: dict[str, tuple[Any, Path]], kind: str
) -> None:
    """--complete N writes what `generate` writes with one beam, and shows how it was read."""
    torch = pytest.importorskip("torch")
    model, folder = translators[kind]
    entries = entries_of(folder)
    for source, count in ((SOURCE, 1), (SOURCE, 9), ("Milch", 30)):
        ids = torch.tensor([ids_of(folder, source)])
        written = model.generate(
            ids,
            max_new_tokens=count,
            do_sample=False,
            num_beams=1,
            forced_eos_token_id=None,
            use_cache=False,  # its cache has the layers of the encoder
        )[0].tolist()
        has_ended = written[-1] == model.config.eos_token_id
        read = written[:-1] if has_ended else written
        more = ["--model", str(folder), "--complete", str(count), "--json"]
        record = json.loads(command("explain", source, *more).text)
        validator().validate(record)
        tokens = record["decoder"]["tokens"]
        assert [token["key"] for token in tokens] == [entries.get(n, f"[id {n}]") for n in read]
        text = record["decoder"]["text"]
        assert record["model"]["completion"] == text
        assert all(text[t["start"] : t["end"]] in ("", t["text"]) for t in tokens)
        codes = [warning["code"] for warning in record["cross"]["warnings"]]
        assert ("text-stopped" in codes) == (not has_ended)
        with torch.no_grad():
            said = model(ids, decoder_input_ids=torch.tensor([read]), output_attentions=True)
        for part in ("decoder", "cross"):
            theirs = np.stack([layer[0].numpy() for layer in said[f"{part}_attentions"]])
            assert np.abs(np.array(record[part]["weights"]) - theirs).max() <= 1e-5


def test_what_a_decoder_wrote_is_said(command: Callable[..., Any], bart: str) -> None:
    """The table, the decoder's part and a record read back name the text that the model wrote."""
    base = ["explain", SOURCE, "--model", bart, "--complete", "5"]
    (record,) = map(json.loads, command(*base, "--json").text.splitlines())
    said = f'the model wrote: "{record["model"]["completion"]}"'
    for more in ([], ["--part", "decoder"], ["--part", "encoder"]):
        assert said in command(*base, *more).text
    assert AttentionResult.from_dict(record).to_dict()["model"] == record["model"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--part", "cross"], "found cross, but no decoder is here"),
        (["--part", "decoder"], "has parts where it reads a second text: --pair"),
        (["--pair", TARGET, "--part", "sideways"], "--part"),
        (["--pair", "", "--part", "cross"], "--pair: no word in"),
        (["--pair", "klein " * 69 + "klein"], "--pair: 72 tokens, the decoder of"),
        (["--pair", TARGET, "--layer", "2"], "--layer: found 2, expected 0…1"),
        (["--pair", TARGET, "--complete", "2"], "--complete: found --pair too"),
        (["--complete", "64"], "--complete: 64 tokens, the decoder of bart writes at most 63"),
    ],
)
def test_what_a_pair_cannot_be_is_one_line(
    command: Callable[..., Any], bart: str, more: list[str], said: str
) -> None:
    """An error that says what was found, and no record."""
    ended = command("explain", SOURCE, "--model", bart, "--json", *more)
    assert ended.code != 0
    assert said in ended.said
    assert not ended.text


def test_a_text_too_long_for_the_decoder_is_cut_on_request(
    command: Callable[..., Any], bart: str
) -> None:
    """With --truncate a warning says so, and the rest is what the shorter text gives."""
    pair = ["--pair", "small " * 70, "--truncate"]
    ended = command("explain", SOURCE, "--model", bart, "--json", *pair)
    record = json.loads(ended.text)
    assert np.shape(record["cross"]["weights"]) == (2, 8, 64, 6)
    assert "truncated" in [warning["code"] for warning in record["cross"]["warnings"]]
    ended = command("explain", SOURCE, "--model", bart, "--pair", "small " * 9, "--max-tokens", "8")
    assert "--pair: 12 tokens, --max-tokens 8 allows no more" in ended.said


def test_a_difference_names_the_part(
    command: Callable[..., Any], bart: str, tmp_path: Path
) -> None:
    """`attn diff` of two records finds a changed weight of the cross-attention, and says where."""
    text = explained(command, "--model", bart, "--json").text
    record = json.loads(text)
    record["cross"]["weights"][1][3][2][4] += 0.01
    for name, held in (("a", text), ("b", json.dumps(record))):
        (tmp_path / f"{name}.json").write_text(held, encoding="utf-8")
    ended = command("diff", str(tmp_path / "a.json"), str(tmp_path / "b.json"))
    assert "cross.weights: 1 of" in ended.text
    assert "The → klein" in ended.text
    assert "1 of 1 sentence" in ended.text or ended.code == 1


def _foreign(tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """Weights 3 × 5 in every layout, and the options that name them where the file does not."""
    weights = np.random.default_rng(0).dirichlet(np.ones(5), 3)
    rows, columns = ["the", "house", "stands"], ["das", "Haus", "steht", "da", "."]
    named = ["--tokens", " ".join(rows), "--pair", " ".join(columns)]
    np.save(tmp_path / "w.npy", weights)
    yield tmp_path / "w.npy", named
    np.savez(tmp_path / "w.npz", attention=weights, tokens=rows, keys=columns)
    yield tmp_path / "w.npz", []
    listed = {"attention": weights.tolist(), "tokens": rows, "source_tokens": columns}
    (tmp_path / "w.json").write_text(json.dumps(listed))
    yield tmp_path / "w.json", []
    for suffix, mark in (("csv", ","), ("tsv", "\t")):
        lines = [mark.join(["", *columns])]
        lines += [
            mark.join([row, *map(str, of)]) for row, of in zip(rows, weights.tolist(), strict=True)
        ]
        (tmp_path / f"w.{suffix}").write_text("\n".join(lines) + "\n")
        yield tmp_path / f"w.{suffix}", []


def test_foreign_rectangular_weights_are_shown_with_the_words_of_both_texts(
    command: Callable[..., Any], tmp_path: Path
) -> None:
    """A matrix 3 × 5 of .npy, .npz, JSON, CSV and TSV, told or named: all give the same record."""
    weights = np.random.default_rng(0).dirichlet(np.ones(5), 3).astype(np.float32)
    for path, more in _foreign(tmp_path):
        ended = command("view", str(path), *more, "--json")
        assert ended.code == 0, ended.said
        record = json.loads(ended.text)
        validator().validate(record)
        assert [token["text"] for token in record["tokens"]] == ["the", "house", "stands"]
        assert [token["text"] for token in record["keys"]] == ["das", "Haus", "steht", "da", "."]
        assert np.allclose(record["weights"][0][0], weights, atol=1e-7)
        assert command("view", str(path), *more, "-o", str(tmp_path / "x.svg")).code == 0
        assert AttentionResult.from_dict(record).key_words[1] == "Haus"


def test_names_that_do_not_fit_a_rectangle_are_one_line(
    command: Callable[..., Any], tmp_path: Path
) -> None:
    """Too many names of rows or of columns: what was expected, and of which shape."""
    path, _ = next(_foreign(tmp_path))
    ended = command("view", str(path), "--tokens", "a b", "--pair", "c d e f g")
    assert "--tokens: found 2 tokens, expected 3: the weights are 3 × 5" in ended.said
    ended = command("view", str(path), "--tokens", "a b c", "--pair", "c d e")
    assert "--pair: found 3 tokens, expected 5" in ended.said
    assert ended.code == 5


def test_a_row_of_the_source_is_told_from_a_word_of_no_text(
    command: Callable[..., Any], bart: str
) -> None:
    """--row names a word that attends; one of the source is said to be attended to, another is not."""
    for view in ("--steps", "--diagram"):
        ended = explained(command, "--model", bart, view, "--row", "Haus")
        expected = "the text that attends; it is of the text that is attended to"
        assert ended.code == 2
        assert ended.said.count(expected) == 1
        assert f'"Haus" is not in "</s> <s> {TARGET}", {expected}' in ended.said
        said = explained(command, "--model", bart, view, "--row", "Hund").said
        assert "attended to" not in said


def test_the_tokens_of_both_texts_are_listed(command: Callable[..., Any], bart: str) -> None:
    """Each text under its heading; of a first screen those that the vocabulary lacks."""
    text = explained(command, "--model", bart, "--show", "tokens").text
    rows, keys = text.partition("\ntokens\n")[2].split("\ntokens of the other text\n")
    assert [line.split()[1] for line in rows.splitlines() if line] == [
        "</s>",
        "<s>",
        *TARGET.split(),
    ]
    assert [line.split()[1] for line in keys.splitlines()] == ["<s>", *SOURCE.split(), "</s>"]
    for source, target in (("Haus €", TARGET), (SOURCE, "house €"), ("€", "€"), (SOURCE, TARGET)):
        text = command("explain", source, "--pair", target, "--model", bart, "--width", "80").text
        assert ("\ntokens\n" in text) == ("€" in target), target
        assert ("\ntokens of the other text\n" in text) == ("€" in source), source
        assert text.count("! not in the vocabulary") == (source + target).count("€")
    assert (
        "other text"
        not in explained(command, "--model", bart, "--part", "decoder", "--show", "tokens").text
    )


def test_of_long_texts_tokens_in_the_middle_are_hidden_in_each(
    command: Callable[..., Any], translators: dict[str, tuple[Any, Path]]
) -> None:
    """Beside the list of each text stands how many tokens of it are left out."""
    texts = [" ".join([SOURCE] * 20), "--pair", " ".join(["The house is small"] * 25)]
    folder = str(translators["t5"][1])
    text = command("explain", *texts, "--model", folder, "--show", "tokens").text
    rows, keys = text.split("\ntokens of the other text\n")
    assert "37 of 101 words are hidden" in rows
    assert "17 of 81 words are hidden" in keys
    assert text.count("words are hidden") == 2


def test_how_far_words_moved_is_a_question_of_another_part(
    command: Callable[..., Any], bart: str
) -> None:
    """Asked for alone it is answered in a line; beside other sections nothing stands there."""
    said = "how far each word moved: --part decoder or encoder shows it"
    assert said in explained(command, "--model", bart, "--show", "moved").text
    for more in (["--show", "weights,moved"], [], ["--show", "moved", "--part", "decoder"]):
        assert said not in explained(command, "--model", bart, *more).text


def test_a_map_across_names_what_its_heads_can_do(
    command: Callable[..., Any], bart: str, tmp_path: Path
) -> None:
    """No token has itself or a neighbor among the keys of another text: legend and list leave it out."""
    never = ("the token before", "the token itself", "the token after")
    text = explained(command, "--model", bart, "--map", "--width", "300").text
    assert "F the first token, X separators; capitals" in text
    assert not any(name in text for name in never)
    path = tmp_path / "x.html"
    for part, expected in (("cross", 0), ("decoder", 1), ("encoder", 1)):
        explained(command, "--model", bart, "--map", "--part", part, "-o", str(path))
        page = path.read_text(encoding="utf-8")
        for name in never:
            assert page.count(f">{name}</option>") == expected
        for name in ("the first token", "separators", "entropy", "what each looks at most"):
            assert page.count(f">{name}</option>") == 1
    asked = explained(command, "--model", bart, "--map", "--measure", "self", "-o", str(path))
    assert asked.code == 0
    assert ">the token itself</option>" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "more",
    [["--speak"], ["--json"], ["-o", "x.json"], ["-o", "x.md"], ["-o", "x.parquet"]],
)
def test_a_choice_of_sections_that_acts_is_not_called_vain(
    command: Callable[..., Any],
    bart: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: list[str],
) -> None:
    """`--show next` asks a decoder what it expects, which every view says; else sections are of tables."""
    monkeypatch.chdir(tmp_path)
    is_columns = more[-1].endswith(".parquet")
    if is_columns:
        pytest.importorskip("pyarrow")

    def said_and_shown(*sections: str) -> tuple[str, str]:
        ended = explained(command, "--model", bart, *sections, *more)
        if is_columns:
            return ended.said, command("view", more[1], "--json").text
        return ended.said, Path(more[1]).read_text("utf-8") if more[0] == "-o" else ended.text

    warned, with_next = said_and_shown("--show", "next")
    assert "no effect" not in warned
    assert any(word in with_next for word in ('"next"', "next:"))
    warned, without = said_and_shown("--show", "weights")
    assert "--show has no effect" in warned
    assert not any(word in without for word in ('"next"', "next:"))
    encoder = command("explain", SOURCE, "--model", bart, "--show", "next", *more)
    assert encoder.said.count("--show has no effect") == 1


def test_only_what_a_decoder_sees_is_spoken(command: Callable[..., Any], bart: str) -> None:
    """Each word of the decoder names itself and those before it, strongest first; across all are named."""
    lines = explained(command, "--model", bart, "--part", "decoder", "--speak", "--width", "999")
    rows = [line for line in lines.text.splitlines() if " attends " in line]
    assert [len(re.findall(r"\d %", row)) for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert rows[0] == "</s> attends 100 % to itself."
    for more, named in ((["--top", "2"], 2), (["--top", "9"], 7)):
        text = explained(
            command, "--model", bart, "--part", "decoder", "--speak", "--width", "999", *more
        ).text
        (row,) = (line for line in text.splitlines() if line.startswith(". attends"))
        assert ("other words" in row) == (named == 2)
        assert len(re.findall(r"\d %", row)) == named + (named == 2)
    across = explained(command, "--model", bart, "--speak", "--width", "999").text
    assert {len(re.findall(r"\d %", row)) for row in across.splitlines() if " attends " in row} == {
        6
    }


def test_a_first_screen_ends_with_the_way_to_the_other_attentions(
    command: Callable[..., Any], translators: dict[str, tuple[Any, Path]]
) -> None:
    """Every option it names can be typed, and leads to another part; the line fits 80 columns."""
    for kind in KINDS:
        folder = str(translators[kind][1])
        alone = command("explain", SOURCE, "--model", folder).text.splitlines()[-1]
        assert alone == "everything: --show all; with a text for the decoder: --pair TEXT"
        for part in (None, "cross", "decoder", "encoder"):
            chosen = [] if part is None else ["--part", part]
            line = explained(command, "--model", folder, *chosen).text.splitlines()[-1]
            assert len(line) <= 80
            ways = re.findall(r"--part (\w+)", line)
            assert ways == (["decoder", "encoder"] if part in (None, "cross") else ["cross"])
            for way in ways:
                assert explained(command, "--model", folder, "--part", way).code == 0
        assert "--part" not in explained(command, "--model", folder, "--show", "weights").text


@pytest.mark.parametrize("more", [[], ["--pair", TARGET], ["--merge"], ["--hide", "special"]])
def test_measures_are_the_same_wherever_they_are_written(
    command: Callable[..., Any], bart: str, tmp_path: Path, more: list[str]
) -> None:
    """On standard output, in a file and in a batch: how far each token moved is among them."""
    asked = ["--model", bart, "--include", "measures", *more]
    printed = json.loads(command("explain", SOURCE, "--json", *asked).text)
    command("explain", SOURCE, "-o", str(tmp_path / "x.json"), *asked)
    saved = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    (tmp_path / "x.txt").write_text(SOURCE, encoding="utf-8")
    batched = json.loads(command("batch", str(tmp_path / "x.txt"), *asked).text)
    for part in (None, "decoder", "cross") if "--pair" in more else (None,):
        own, other, third = (r if part is None else r[part] for r in (printed, saved, batched))
        assert own["measures"] == other["measures"]
        assert own["measures"].keys() == third["measures"].keys()
        if part != "cross":
            assert len(own["measures"]["moved"]) == len(own["tokens"])
            assert third["measures"]["moved"] == pytest.approx(own["measures"]["moved"], abs=1e-5)


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "npz", "parquet"])
@pytest.mark.parametrize("source", [SOURCE, LONG])
def test_the_strongest_keys_of_a_batch_are_those_of_explain(
    command: Callable[..., Any], bart: str, tmp_path: Path, suffix: str, source: str
) -> None:
    """Across too, where keys have more digits than the rows: ten times as many tokens as the target."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    file, out = tmp_path / "s.txt", tmp_path / f"x.{suffix}"
    file.write_text(f"{source}\n")
    choices = ["--model", bart, "--pair", "the", "--part", "cross", "--top", "2"]
    ended = command("batch", str(file), *choices, "-o", str(out))
    assert ended.code == 0, ended.said
    weights = attncli.explain(source, bart, pair="the", part=Part(which="cross")).weights
    expected = np.argsort(-weights, axis=-1, kind="stable")[..., :2]
    if suffix == "jsonl":
        keys = np.array(json.loads(out.read_text("utf-8"))["top"]["keys"])
    elif suffix == "npz":
        keys = np.load(out)["keys"]
    elif suffix == "csv":
        header, *rows = rows_of(out.read_text("utf-8"))
        named = [dict(zip(header, row, strict=True)) for row in rows]
        keys = np.array([int(row["key"]) for row in named if row["weight"]])
    else:
        from pyarrow import parquet

        (record,) = parquet.read_table(out).to_pylist()
        keys = np.array(record["top"]["keys"] if "top" in record else record["keys"])
    assert np.array_equal(keys.reshape(expected.shape), expected)
