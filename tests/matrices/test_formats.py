"""A record survives every format: what is written is read back, or the format says what it loses."""

import gzip
import io
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attncli.batches.chunks import Chunk
from attncli.batches.writers.formats import Format, MakeWriter, ending_of
from attncli.errors import AttnError, DataError, LimitError
from attncli.insight.difference import differences
from attncli.matrices.reading import read_saved
from attncli.results.facts import AttentionSettings, ModelInfo, ResultWarning, Token, VectorsInfo
from attncli.results.fields import (
    EXCLUDED_FIELDS,
    OPTIONAL_ARRAYS,
    OPTIONAL_FIELDS,
    PARTS,
    UNRECORDED,
)
from attncli.results.layout import RecordLayout
from attncli.results.names import axis_labels
from attncli.results.predicted import Candidate, MaskedPlace
from attncli.results.result import AttentionResult
from attncli.results.stack import Failure, Stack, stacks_of
from attncli.views.files import SUFFIXES, FileRequest, write_results
from attncli.views.losses import LOSSES

WORDS = st.text(max_size=5) | st.sampled_from(
    [
        *("", " ", "3", "0.5", "-1", "1e5", "nan", "query", "layer", "#", "'", "''", "'s", "it's"),
        *("a;b", "a,b", "a\tb", 'say "x"', '"', '""', "a\nb", "\r\n", "\r", "\n", "\x0b", "\x85"),
        *("C:\\new", "\\", "\\n", "\\u200f", "\x1b[31m", "\x00", "\x7f", "ba\u00adnk", "\u200f"),
        *("\u202eevil", "\ufeff", "\u2028", "=1+1", "'=1+1", "''=1+1", "x;=1+1", "a,@b", "+", "-"),
        *("\uff1d1+1", "a;'=1", "\t=1", ";=", "##ing", "Ġbank", "▁bank", "[CLS]", "</w>", "中文"),
    ]
)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def results(
    draw: st.DrawFn, sizes: tuple[int, int] | None = None, words: st.SearchStrategy[str] = WORDS
) -> AttentionResult:
    """A result of any mechanism: layers, heads, a pair, a part, a model, optional arrays or none."""
    n = draw(st.integers(1, 4))
    n_layers, n_heads = sizes or (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    names = draw(st.lists(words, min_size=n, max_size=n))
    statuses = st.sampled_from(["exact", "lower", "random", "piece", "special", "given"])
    tokens = tuple(
        Token(name, draw(st.integers(0, 9)), 9, draw(words), draw(statuses)) for name in names
    )
    weights = rng.dirichlet(np.ones(n), (n_layers, n_heads, n)).astype(np.float32)
    shapes = {
        **{"embeddings": (n, 3), "query": (n_layers, n_heads, n, 2), "scores": weights.shape},
        **{"key": (n_layers, n_heads, n, 2), "value": (n_layers, n_heads, n, 3)},
        "hidden_states": (n_layers + 1, n, 3),
    }
    held = draw(st.sets(st.sampled_from(sorted(OPTIONAL_ARRAYS))))
    arrays: dict[str, Any] = {
        name: rng.normal(size=shapes[name]).astype(np.float32) for name in sorted(held)
    }
    is_pair, is_part = draw(st.booleans()), draw(st.booleans())
    model = ModelInfo("m", "ab", draw(words), {draw(words): 0.25, "other": 0.75}, draw(TARGETS))
    return AttentionResult(
        text=draw(words),
        tokens=tokens,
        attention=AttentionSettings(
            draw(st.sampled_from(["general", "task", "transformer"])),
            scale=0.123456789,
            n_layers=n_layers,
            n_heads=n_heads,
            window=draw(TARGETS),
        ),
        weights=weights,
        contextual=rng.normal(size=(n, 3)).astype(np.float32),
        vectors=VectorsInfo(draw(words), 3, draw(TARGETS), draw(st.none() | words)),
        model=draw(st.none() | st.just(model)),
        warnings=tuple(
            ResultWarning("w", text, (0,)) for text in draw(st.lists(words, max_size=2))
        ),
        measures=draw(st.none() | st.just({"entropy": [0.5, 0.25], "self": {"a": 1}})),
        pair=draw(words) if is_pair else None,
        segments=tuple(rng.integers(0, 2, n).tolist()) if is_pair else (),
        selection={
            "layers": draw(st.sampled_from([[3, 1], [0, 1], [5, 2]]))[:n_layers],
            "heads": [4, 7][:n_heads],
            "merged": True,
            "hidden": names[:1],
            "hidden_share": 0.25,
        }
        if is_part
        else None,
        **arrays,
    )


@st.composite
def decoded(draw: st.DrawFn) -> AttentionResult:
    """An encoder's result with those of a decoder, of other sizes, or cross-attention alone."""
    encoder = draw(results())
    decoder = replace(draw(results()), pair=None, segments=(), vectors=encoder.vectors)
    n_queries, n_keys = len(decoder.tokens), len(encoder.tokens)
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    n_layers, n_heads = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    weights = rng.dirichlet(np.ones(n_keys), (n_layers, n_heads, n_queries)).astype(np.float32)
    held: dict[str, Any] = {"scores": rng.normal(size=weights.shape).astype(np.float32)}
    cross = AttentionResult(
        text=decoder.text,
        tokens=decoder.tokens,
        attention=AttentionSettings("transformer", n_layers=n_layers, n_heads=n_heads),
        weights=weights,
        contextual=decoder.contextual,
        vectors=encoder.vectors,
        keys=encoder.tokens,
        pair=encoder.text,
        warnings=decoder.warnings,
        measures=draw(st.none() | st.just({"entropy": [0.5]})),
        **(held if draw(st.booleans()) else {}),
    )
    if draw(st.booleans()):
        return cross
    encoder = replace(encoder, model=draw(language_models(len(encoder.tokens))))
    decoder = replace(decoder, model=draw(language_models(len(decoder.tokens))))
    return replace(encoder, pair=decoder.text, segments=(), cross=cross, decoder=decoder)


@st.composite
def language_models(draw: st.DrawFn, n_tokens: int) -> ModelInfo:
    """A model that says something of words, or nothing."""
    candidates = (Candidate("Ġbank", " bank", 7, 0.25), Candidate("ing", "ing", 1, 0.125))
    logs = (None, *[-0.5] * (n_tokens - 1))
    said: list[dict[str, Any]] = [
        {"quantization": "Q4_1"},
        {"next": candidates, "next_entropy": 1.25, "log_probabilities": logs},
        {"masks": (MaskedPlace(n_tokens - 1, candidates, 0.5), MaskedPlace(0, (), 0.0))},
        {"completion": draw(WORDS), "written": (0,)},
    ]
    chosen = draw(st.sets(st.integers(0, len(said) - 1)))
    return ModelInfo("lm", "ab", **{n: value for at in chosen for n, value in said[at].items()})


TARGETS = st.none() | st.integers(0, 3)
ERRORS = st.builds(DataError, WORDS) | st.builds(LimitError, WORDS)


@st.composite
def runs(draw: st.DrawFn, *, failures: bool = True) -> list[Any]:
    """The outcomes of a batch: as many layers and heads in each result; some sentences failed."""
    sizes = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    outcome = results(sizes) | ERRORS if failures else results(sizes)
    return draw(st.lists(outcome, min_size=1, max_size=4))


def read(data: bytes, name: str) -> list[Any]:
    """All outcomes of these bytes."""
    return list(read_saved(io.BytesIO(data), name))


def numbered(listed: Sequence[AttentionResult]) -> list[AttentionResult]:
    """Results as those of one run: counted from 0, without lines."""
    return [replace(result, index=i) for i, result in enumerate(listed)]


EVERY = (OPTIONAL_FIELDS, ())


COLUMNS = ("parquet", "arrow", "feather")


@pytest.mark.parametrize("suffix", ["json", "jsonl", "npz", *COLUMNS])
@given(listed=st.lists(results(), min_size=1, max_size=3))
def test_files_of_explain_give_back_every_field(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, listed: list[AttentionResult]
) -> None:
    """JSON and columns with all their optional fields, and npz, are what was written."""
    if suffix in COLUMNS:
        pytest.importorskip("pyarrow")
    path = tmp_path_factory.getbasetemp() / f"every.{suffix}"
    written = numbered(listed)
    write_results(str(path), written, FileRequest(fields=EVERY))
    assert read(path.read_bytes(), path.name) == written


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
@given(listed=st.lists(results(), min_size=1, max_size=3))
def test_wide_tables_give_back_words_weights_and_names(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, listed: list[AttentionResult]
) -> None:
    """Whatever the words hold; what such a table has no place for is unknown, not invented."""
    path = tmp_path_factory.getbasetemp() / f"wide.{suffix}"
    write_results(str(path), listed)
    for one, other in zip(read(path.read_bytes(), path.name), listed, strict=True):
        assert one.words == other.words
        assert np.array_equal(one.weights, other.weights)
        assert names_of(one) == names_of(other)
        assert {"text", "contextual", "attention", "vectors", "model"} <= set(one.unknown)
    piped = read(path.read_bytes(), "<stdin>")
    assert [one.words for one in piped] == [other.words for other in listed]


def names_of(result: AttentionResult) -> tuple[list[str], list[str]]:
    """What views call the layers and the heads."""
    return axis_labels(result, "layers"), axis_labels(result, "heads")


def written_by_batch(
    outcomes: Sequence[AttentionResult | AttnError], name: str, folder: Path, **options: Any
) -> bytes:
    """The bytes of a batch of these outcomes in a format, two chunks of it."""
    chosen, layout = Format(name), RecordLayout(precision=0, **options)  # type: ignore[arg-type]  # a name
    writer = MakeWriter(chosen, layout)()
    half = (len(outcomes) + 1) // 2
    part = writer.head
    for number, start in enumerate(range(0, len(outcomes), half)):
        chosen_ones = outcomes[start : start + half]
        chunk = Chunk(number, start, start + 1, [b""] * len(chosen_ones))
        stacks: list[tuple[Stack, Sequence[int]]] = []
        failures: list[tuple[int, AttnError]] = []
        for item in stacks_of(chosen_ones):
            if isinstance(item, Failure):
                failures.append((item.place, item.error))
            else:
                stacks.append((item, item.places))
        part += writer.coming(chunk, stacks, failures).whole()
    ending = ending_of(chosen, layout)
    if ending.assemble is None:
        return part
    (folder / "part").write_bytes(part)
    ending.assemble(folder / "part", folder / "whole")
    return (folder / "whole").read_bytes()


def as_read(outcome: AttentionResult | AttnError, at: int) -> Any:
    """What a file of batch gives back of an outcome."""
    if isinstance(outcome, AttentionResult):
        return replace(outcome, index=at, line=at + 1)
    return type(outcome), f"this sentence failed: {outcome.message}"


def plain(outcome: Any) -> Any:
    """An outcome that can be compared."""
    return (type(outcome), outcome.message) if isinstance(outcome, AttnError) else outcome


@pytest.mark.parametrize("name", ["jsonl", "npz", "parquet", "arrow"])
@given(outcomes=runs())
def test_files_of_batch_give_back_every_field(
    tmp_path_factory: pytest.TempPathFactory, name: str, outcomes: list[Any]
) -> None:
    """Each record has its own fields, and none of its neighbor's; errors keep code and message."""
    if name in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    folder = tmp_path_factory.getbasetemp()
    data = written_by_batch(outcomes, name, folder, include=OPTIONAL_FIELDS)
    expected = [as_read(outcome, at) for at, outcome in enumerate(outcomes)]
    assert [plain(outcome) for outcome in read(data, name)] == expected


@pytest.mark.parametrize("suffix", COLUMNS)
@given(
    listed=st.lists(results() | decoded(), min_size=1, max_size=3),
    include=st.sets(st.sampled_from(OPTIONAL_FIELDS)),
    exclude=st.sets(st.sampled_from([n for n in EXCLUDED_FIELDS if n not in ("text", "weights")])),
    top=st.none() | st.integers(1, 5),
    precision=st.none() | st.integers(1, 9),
)
def test_columns_of_explain_hold_what_its_json_holds(
    tmp_path_factory: pytest.TempPathFactory,
    suffix: str,
    listed: list[AttentionResult],
    include: set[str],
    exclude: set[str],
    top: int | None,
    precision: int | None,
) -> None:
    """Whatever is asked for, left out, cut to the strongest keys or rounded; sizes differ by row."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.getbasetemp()
    fields_asked = (tuple(sorted(include)), tuple(sorted(exclude)))
    asked = FileRequest(fields=fields_asked, top=top, precision=precision)
    for name in ("json", suffix):
        write_results(str(folder / f"chosen.{name}"), listed, asked)
    expected = read((folder / "chosen.json").read_bytes(), "x")
    assert read((folder / f"chosen.{suffix}").read_bytes(), "x") == expected


CHOICES: list[dict[str, Any]] = [
    {"exclude": ("contextual", "tokens")},
    {"exclude": ("text", "model", "attention", "vectors", "warnings")},
    {"top": 1, "include": ("embeddings",)},
    {"top": 2, "exclude": ("contextual",)},
    {"exclude": ("index", "line")},
]


@pytest.mark.parametrize("name", ["npz", "parquet", "arrow"])
@pytest.mark.parametrize("options", CHOICES)
@given(outcomes=runs(failures=False))
@settings(max_examples=15)
def test_every_choice_of_fields_means_the_same_in_every_format(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    options: dict[str, Any],
    outcomes: list[AttentionResult],
) -> None:
    """A field left out, and --top, are in every binary format what they are in JSON lines."""
    if name in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    folder = tmp_path_factory.getbasetemp()
    expected = read(written_by_batch(outcomes, "jsonl", folder, **options), "x")
    assert read(written_by_batch(outcomes, name, folder, **options), "x") == expected


@pytest.mark.parametrize("top", [None, 1])
@given(outcomes=runs())
def test_long_tables_give_back_words_and_weights(
    tmp_path_factory: pytest.TempPathFactory, top: int | None, outcomes: list[Any]
) -> None:
    """Packed or not; a record after another of the same line is a record of its own."""
    folder = tmp_path_factory.getbasetemp()
    data = written_by_batch(outcomes, "csv", folder, top=top)
    expected = read(written_by_batch(outcomes, "jsonl", folder, top=top), "x")
    found = read(data, "x.csv")
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        if isinstance(other, AttnError):
            assert plain(one) == plain(other)
            continue
        assert (one.words, one.index, one.line) == (other.words, other.index, other.line)
        assert np.array_equal(one.weights, other.weights)
    assert [plain(o) for o in read(gzip.compress(data), "x")] == [plain(o) for o in found]


@given(result=results())
def test_two_records_of_one_line_stay_two(
    tmp_path_factory: pytest.TempPathFactory, result: AttentionResult
) -> None:
    """The same file given twice: every line comes back as often as it was written."""
    folder = tmp_path_factory.getbasetemp()
    layout = RecordLayout(precision=0)
    writer = MakeWriter(Format("csv"), layout)()
    ((stack),) = stacks_of([result])
    assert isinstance(stack, Stack)
    chunks = [writer.coming(Chunk(i, i, 1, [b""]), [(stack, (0,))], []).whole() for i in range(3)]
    found = read(b"".join([writer.head, *chunks]), "x")
    assert [one.words for one in found] == [result.words] * 3
    assert folder.exists()


@given(result=results(), data=st.data())
@settings(max_examples=40)
def test_a_run_in_two_formats_is_equal(
    tmp_path_factory: pytest.TempPathFactory, result: AttentionResult, data: st.DataObject
) -> None:
    """For each pair of formats: equal, and what one of them does not hold is said."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.getbasetemp()
    names = ["json", "npz", "csv", "tsv", "parquet", "arrow"]
    names += ["batch jsonl", "batch npz", "batch csv", "batch parquet"]
    first, second = data.draw(st.permutations(names))[:2]
    held = []
    for name in (first, second):
        if name.startswith("batch "):
            held.append(read(written_by_batch([result], name[6:], folder), "x"))
            continue
        path = folder / f"pair.{name}"
        write_results(str(path), [result])
        held.append(read(path.read_bytes(), "x"))
    (found,) = differences(*held, 0.0)
    assert found.changes == ()
    if ("csv" in first or "tsv" in first) != ("csv" in second or "tsv" in second):
        assert any("holds no text" in note for note in found.notes)


def lost_in(one: AttentionResult, other: AttentionResult) -> set[str]:
    """The fields of a result that came back otherwise."""
    lost = set()
    for field in fields(AttentionResult):
        if field.name in ("unknown", "tokens", *UNRECORDED):
            continue
        a, b = getattr(one, field.name), getattr(other, field.name)
        if not (np.array_equal(a, b) if isinstance(b, np.ndarray) else a == b):
            lost.add(field.name)
    for part in Token._fields:
        if [getattr(t, part) for t in one.tokens] != [getattr(t, part) for t in other.tokens]:
            lost.add(f"tokens.{part}")
    return lost


def test_every_field_of_a_record_has_a_column() -> None:
    """Parquet has a column for each field that a batch can write, and for nothing else."""
    pyarrow = pytest.importorskip("pyarrow")
    from attncli.results.columns.schema import schema_of

    columns = set(schema_of(pyarrow, RecordLayout(include=OPTIONAL_FIELDS)).names)
    record = {field.name for field in fields(AttentionResult)} - {*UNRECORDED, "keys", *PARTS}
    assert columns == record | {"type", "code", "message"}


def full_result() -> AttentionResult:
    """A result that holds every field, with no value that a reader would put in its place."""
    rng = np.random.default_rng(0)
    shapes = {"embeddings": (2, 3), "hidden_states": (2, 2, 3), "scores": (1, 1, 2, 2)}
    arrays: dict[str, Any] = {
        name: rng.normal(size=shapes.get(name, (1, 1, 2, 3))) for name in OPTIONAL_ARRAYS
    }
    return AttentionResult(
        text="Money, bank",
        tokens=(Token("Money", 0, 5, "money", "lower"), Token("bank", 7, 11, "ba", "exact")),
        attention=AttentionSettings("task", scale=0.5),
        weights=np.full((1, 1, 2, 2), 0.5),
        contextual=rng.normal(size=(2, 3)),
        vectors=VectorsInfo("v", 3, 2, "ab"),
        index=7,
        line=9,
        model=ModelInfo("m", "cd", "label", {"label": 1.0}, 1),
        warnings=(ResultWarning("w", "said", (1,)),),
        measures={"entropy": 1.0},
        pair="grows",
        segments=(0, 1),
        selection={"layers": [0], "merged": True},
        **arrays,
    )


@pytest.mark.parametrize("kind", sorted(LOSSES))
def test_what_a_format_loses_is_what_it_declares(tmp_path: Path, kind: str) -> None:
    """The list of losses is neither longer nor shorter than what does not come back."""
    result = full_result()
    by_batch, name = kind.startswith("batch "), kind.rpartition(" ")[2]
    if by_batch:
        if name in ("parquet", "arrow"):
            pytest.importorskip("pyarrow")
        data = written_by_batch([result], name, tmp_path, include=OPTIONAL_FIELDS)
        result = replace(result, index=0, line=1)
    else:
        if name in COLUMNS:
            pytest.importorskip("pyarrow")
        write_results(str(tmp_path / f"x.{name}"), [result], FileRequest(fields=EVERY))
        data = (tmp_path / f"x.{name}").read_bytes()
    (again,) = read(data, "x")
    assert lost_in(again, result) == set(LOSSES[kind])


def test_the_table_of_formats_is_that_of_the_code() -> None:
    """docs/formats.md lists for each format what the code says it loses."""
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    listed: dict[str, set[str]] = {}
    for command, formats, _, lost in re.findall(
        r"^\| `attn (\w+) -o` \| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE
    ):
        for name in formats.split(", "):
            kind = {"explain": "", "batch": "batch ", "compare": "compare "}[command] + name
            listed[kind] = set() if lost == "nothing" else set(lost.split(", "))
    assert listed.pop("compare json") == set()
    assert listed == {kind: set(lost) for kind, lost in LOSSES.items()}
    (line,) = re.findall("^To look at, and not read back: (.+?), and csv", text, re.MULTILINE)
    read_back = {name for name in LOSSES if " " not in name}
    assert {suffix[1:] for suffix in SUFFIXES} == read_back | set(line.split(", "))
