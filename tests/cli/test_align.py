"""`attn align`: a line of links for each pair, in its place; how they agree with links of people."""

import gzip
import json
import shlex
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import attncli
from attncli.results.alignment import Alignments
from attncli.results.gold_links import links_of_pharaoh
from tests.cli.conftest import in_a_shell

Command = Callable[..., Any]
VECTORS = "das 1 0 0\nthe 1 0 0\nhaus 0 1 0\nhouse 0 .9 .1\nist 0 0 1\nis 0 .1 .9\nklein 1 1 0\nsmall 1 .9 0\n"
PAIRS = [
    ("das haus ist klein", "the house is small", "0-0 1-1 2-2 3-3"),
    ("ist das haus klein", "is the small house", "0-0 1-1 2-3 3-2"),
    ("haus", "the house", "0-1"),
    ("klein ist das", "that is small", "0-2 1-1"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Vectors of two languages, pairs, and the links of people."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.txt").write_text(VECTORS)
    (tmp_path / "pairs.tsv").write_text("".join(f"{s}\t{t}\n" for s, t, _ in PAIRS))
    (tmp_path / "gold.txt").write_text("".join(f"{links}\n" for *_, links in PAIRS))
    return tmp_path


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random BART."""
    for library in ("torch", "transformers", "tokenizers"):
        pytest.importorskip(library)
    from models.translators import write_translator

    folder = tmp_path_factory.mktemp("models") / "bart"
    write_translator(folder)
    return folder


def test_two_texts_are_a_line_of_links(folder: Path, command: Command) -> None:
    """Plain in a pipe; words and weights where they are asked for."""
    pair = ("Das Haus ist klein", "The house is small")
    ended = command("align", *pair, "--vectors", "v.txt")
    assert (ended.code, ended.text, ended.said) == (0, "0-0 1-1 2-2 3-3\n", "")
    table = command("align", *pair, "--vectors", "v.txt", "--table").text.splitlines()
    assert [line.split() for line in table] == [
        ["Das", "0-0", "The", "1.000"],
        ["Haus", "1-1", "house", "0.994"],
        ["ist", "2-2", "is", "0.994"],
        ["klein", "3-3", "small", "0.999"],
    ]
    record = json.loads(command("align", *pair, "--vectors", "v.txt", "--json").text)
    assert record["links"] == [[0, 0], [1, 1], [2, 2], [3, 3]]
    assert record["source"] == pair[0].split()
    assert (record["index"], record["line"]) == (0, None)
    assert record["weights"][1] == pytest.approx(0.993884, abs=1e-6)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".HTML", ".npz", ".jsonl.gz", ".txt.xz"])
def test_a_suffix_that_promises_another_kind_is_refused(
    folder: Path, command: Command, suffix: str
) -> None:
    """Links are lines, plain or JSON: nothing else is written under the name of a table or a picture."""
    ended = command("align", "pairs.tsv", "--vectors", "v.txt", "-o", f"links{suffix}")
    last = Path(suffix.lower()).suffix or suffix.lower()
    assert (ended.code, ended.text) == (2, "")
    assert ended.said == (
        f'attn: error: --output: found the suffix "{last}", expected .json .jsonl .ndjson for JSON, '
        "one such as .txt for lines of links\n"
    )
    assert not (folder / f"links{suffix}").exists()


def test_the_hint_for_a_model_without_decoder_opens_it(
    folder: Path, command: Command, tmp_path: Path
) -> None:
    """It has the name that was given, not the short one: what it says works when typed."""
    pytest.importorskip("tokenizers")
    from models.made import write_model

    write_model(tmp_path / "my models" / "bert")
    given = ("align", "money bank", "the bank")
    ended = command(*given, "--model", "my models/bert")
    option, value = shlex.split(ended.said.split("hint: ")[1].split(" aligns by")[0])
    assert (ended.code, option, value) == (2, "--vectors", "model:my models/bert")
    assert command(*given, option, value).code == 0


def test_words_that_lack_something_are_said(folder: Path, command: Command) -> None:
    """Those without a vector on stderr, those without a link in the table."""
    ended = command("align", "das zimmer", "the <room>", "--vectors", "v.txt", "--table")
    assert ended.text.splitlines()[1:] == ["no link, source: zimmer", "no link, target: <room>"]
    assert 'warning: without a vector: "zimmer", "<room>"; linked only to words' in ended.said
    assert command("align", "das zimmer", "the room", "--vectors", "v.txt", "-q").said == ""


def test_a_file_gives_a_line_for_each_line(folder: Path, command: Command) -> None:
    """In order, what is wrong in its place, by exit 3; standard input, packed files and ||| too."""
    lines = [
        "das haus\tthe house",
        "no tab",
        "",
        "\t",
        "das\t",
        "a\tb\tc",
        "ist ||| is",
        "\x1b[31m\x00ist\tis",
    ]
    text = "".join(f"{line}\n" for line in lines).encode() + b"\xff\tis\nhaus\thouse"
    (folder / "p.tsv").write_bytes(text)
    (folder / "p.gz").write_bytes(gzip.compress(text))
    ended = command("align", "p.tsv", "--vectors", "v.txt", "-q")
    out = ended.text.split("\n")
    assert ended.code == 3
    assert len(out) == 11
    assert (out[0], out[3], out[4], out[6], out[9], out[10]) == (
        "0-0 1-1",
        "",
        "",
        "0-0",
        "0-0",
        "",
    )
    assert out[1] == '# found no tab in "no tab", expected a text, a tab, its translation'
    assert out[2].startswith("# found no tab")
    assert out[5].startswith('# found 3 cells in "a\\tb\\tc"')
    assert out[8].startswith("# byte 1 of the line is 0xff, expected UTF-8")
    assert "4 sentences were set aside" in ended.said
    again = command("align", "p.gz", "--vectors", "v.txt", "-q")
    assert (again.code, again.text) == (3, ended.text)
    piped = in_a_shell(f"cd '{folder}'; attn align - --vectors v.txt -q < p.tsv")
    assert (piped.code, piped.text) == (3, ended.text)
    assert "<stdin>:2: found no tab" in piped.said
    records = [
        json.loads(line)
        for line in command("align", "p.tsv", "--vectors", "v.txt", "--json").text.splitlines()
    ]
    assert [record["line"] for record in records] == list(range(1, 11))
    assert [record["type"] == "error" for record in records] == [
        line.startswith("# ") for line in out[:-1]
    ]


WORD = st.text(
    st.characters(exclude_categories=("Cs", "Zs", "Zl", "Zp", "Cc")), min_size=1, max_size=4
).filter(lambda word: word.split() == [word] and "|" not in word)
SIDE = st.lists(st.one_of(WORD, st.sampled_from(["das", "haus", "is", "."])), max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=5))
def test_files_and_python_align_alike(
    folder: Path, command: Command, pairs: list[tuple[list[str], list[str]]]
) -> None:
    """Whatever the words; a line is read back as the links of its pair."""
    pairs = [(["das"], ["the"]), *pairs]  # no mark of an encoding begins the file
    texts = [(" ".join(s), " ".join(t)) for s, t in pairs]
    (folder / "p.tsv").write_text(
        "".join(f"{s}\t{t}\n" for s, t in texts), encoding="utf-8", newline=""
    )
    ended = command("align", "p.tsv", "--vectors", "v.txt", "-q")
    ours = attncli.align(*map(list, zip(*texts, strict=True)), vectors="v.txt")
    assert (ended.code, ended.text) == (0, ours.to_pharaoh())
    for line, alignment, (s, t) in zip(ended.text.splitlines(), ours, pairs, strict=True):
        assert links_of_pharaoh(line).sure == set(alignment.links)
        assert (list(alignment.source), list(alignment.target)) == (s, t)


def test_an_output_is_whole_or_none(folder: Path, command: Command) -> None:
    """Pharaoh, JSON lines by its suffix; nothing where the links of people do not fit."""
    assert command("align", "pairs.tsv", "--vectors", "v.txt", "-o", "out.txt", "-q").code == 0
    printed = command("align", "pairs.tsv", "--vectors", "v.txt").text
    assert (folder / "out.txt").read_text() == printed
    command("align", "pairs.tsv", "--vectors", "v.txt", "-o", "out.jsonl", "-q")
    records = command("align", "pairs.tsv", "--vectors", "v.txt", "--json").text
    assert (folder / "out.jsonl").read_text() == records
    (folder / "gold.txt").write_text("0-0\n0-0\n0-7\n0-0\n")
    more = ("--vectors", "v.txt", "--gold", "gold.txt")
    ended = command("align", "pairs.tsv", *more, "-o", "new.txt")
    assert (ended.code, ended.is_clean()) == (5, True)
    ended = command("align", "pairs.tsv", *more, "-o", "out.txt")
    assert (folder / "out.txt").read_text() == printed
    assert not (folder / "new.txt").exists()
    assert {path.suffix for path in folder.iterdir()} == {".txt", ".tsv", ".jsonl"}


def test_gold_links_measure(folder: Path, command: Command) -> None:
    """The rates are those of Python, after the lines; NAACL 2003 and counting from 1 are the same."""
    options = ("--vectors", "v.txt", "--threshold", "0.5")
    ended = command("align", "pairs.tsv", *options, "--gold", "gold.txt", "-q")
    *lines, last = ended.text.splitlines()
    assert lines == command("align", "pairs.tsv", *options, "-q").text.splitlines()
    ours = attncli.align(
        [s for s, *_ in PAIRS], [t for _, t, _ in PAIRS], vectors="v.txt", threshold=0.5
    )
    scores = ours.score([links for *_, links in PAIRS])
    assert scores.aer is not None
    assert f"AER {scores.aer:.4f}" in last
    assert last.startswith(f"precision {scores.precision:.4f}  recall {scores.recall:.4f}")
    record = json.loads(
        command(
            "align", "pairs.tsv", *options, "--gold", "gold.txt", "--json", "-q"
        ).text.splitlines()[-1]
    )
    assert record["type"] == "alignment-scores"
    assert (record["precision"], record["recall"], record["aer"]) == (
        scores.precision, scores.recall, scores.aer,
    )  # fmt: skip
    numbered = [
        f"{k + 1:04} {i + 1} {j + 1} S"
        for k, (*_, links) in enumerate(PAIRS)
        for i, j in sorted(links_of_pharaoh(links).sure)
    ]
    (folder / "naacl.txt").write_text("\n".join(numbered))
    from_one = "".join(
        " ".join(f"{i + 1}-{j + 1}" for i, j in links_of_pharaoh(links).sure) + "\n"
        for *_, links in PAIRS
    )
    (folder / "one.txt").write_text(from_one)
    for more in (("naacl.txt",), ("one.txt", "--one-based")):
        again = command("align", "pairs.tsv", *options, "--gold", *more, "-q")
        assert again.text == ended.text


def test_possible_links_cost_no_recall(folder: Path, command: Command) -> None:
    """By hand: A = 0-0 1-1 2-2 3-3, S = 0-0, P = S and 1-1: 1 − (1 + 2) / (4 + 1)."""
    (folder / "one.gold").write_text("0-0 1?1\n")
    ended = command(
        "align",
        "das haus ist klein",
        "the house is small",
        "--vectors",
        "v.txt",
        "--gold",
        "one.gold",
    )
    assert ended.text.splitlines()[1] == (
        "precision 0.5000  recall 1.0000  AER 0.4000  4 links of 1 pair; gold: 1 sure, 2 possible"
    )


@pytest.mark.parametrize(
    ("gold", "more", "place", "message"),
    [
        ("0-0\n0-0\n0-4\n0-0\n", (), "gold.txt:3", "word 4 of the target, which has 2 words"),
        ("0-0\n4-0\n0-0\n0-0\n", (), "gold.txt:2", "--one-based reads links that count from 1"),
        ("0-0\n0-x\n0-0\n0-0\n", (), "gold.txt:2", 'found "0-x", expected links such as 0-0'),
        ("1-1\n0-1\n1-1\n1-1\n", ("--one-based",), "gold.txt:2", "expected numbers from 1"),
        ("0-0\n0-0\n0-0\n", (), "gold.txt", "found 3 lines, expected one for each pair: pairs.tsv:4"),
        ("0-0\n" * 6, (), "gold.txt:6", "found links of pair 6, expected 4 pairs"),
        ("\n" * 4, (), "gold.txt", "found no link"),
        ("", (), "gold.txt", "found no link"),
        ("1 1 1 S\n1 2 2 Q\n", (), "gold.txt:2", "expected a line such as 1 2 3 S"),
        ("1 1 1 S\n2 5 1 S\n", (), "gold.txt:2", "word 5 of the source, which has 4 words: expected numbers from 1 to 4"),
        ("1 1 1 S\n9 1 1 S\n", (), "gold.txt:2", "found links of pair 9, expected 4 pairs"),
        ("1 1 1 S\n99999999 1 1 S\n", (), "gold.txt:2", "the most is"),
        ("\xff0-0\n", (), "gold.txt:1", "expected UTF-8"),
    ],
)  # fmt: skip
def test_bad_links_of_people_are_one_line(
    folder: Path, command: Command, gold: str, more: tuple[str, ...], place: str, message: str
) -> None:
    """Where they stand, what came, what was expected; exit 5."""
    (folder / "gold.txt").write_bytes(gold.encode("latin-1"))
    ended = command("align", "pairs.tsv", "--vectors", "v.txt", "--gold", "gold.txt", "-q", *more)
    assert (ended.code, ended.is_clean()) == (5, True), ended.said
    assert ended.said.startswith(f"attn: error: {place}: ")
    assert message in ended.said


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("", "the house"), 4, "the source is empty, expected at least one word"),
        (("das haus", " "), 4, "the target is empty"),
        (("empty.tsv",), 4, "found no line"),
        (("das haus",), 2, "TARGET: found a text alone"),
        (("nothing.tsv",), 6, "nothing.tsv: cannot open"),
        (("pairs.tsv", "gold.txt"), 2, "paste pairs.tsv gold.txt | attn align -"),
        (("a", "b", "--choose-head"), 2, "--choose-head: found no --gold"),
        (("-", "--gold", "-"), 2, "--gold: found -, which are the pairs too"),
        (("pairs.tsv", "--gold", "gold.txt", "--choose-head"), 2, "vectors have no heads"),
        (("pairs.tsv", "--gold", "nothing.gold"), 6, "nothing.gold: cannot open"),
        (("a", "b", "--gold", "s3://x/y"), 2, "attn reads local files only"),
        (("https://x.org/y.tsv",), 2, "attn reads local files only"),
        (("a", "b", "--symmetrize", "grow"), 2, "--symmetrize"),
        (
            ("a", "b", "--threshold", "1.5"),
            2,
            "--threshold: found 1.5, expected a number from -1 to 1",
        ),
        (("a", "b", "--threshold", "nan"), 2, "--threshold: found nan"),
        (("a", "b", "--model", "nothing"), 2, "nothing"),
        (("a", "b", "--target-vectors", "nothing"), 2, "nothing"),
        (("das " * 9, "the", "--max-tokens", "5"), 8, "the limit is"),
        (("pairs.tsv", "-o", "pairs.tsv"), 2, "which is also read here"),
        (("pairs.tsv", "--gold", "gold.txt", "-o", "gold.txt"), 2, "which is also read here"),
        (("pairs.tsv", "-o", "no/where.txt"), 9, "its directory does not exist"),
    ],
)
def test_misuse_is_one_line(
    folder: Path, command: Command, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """With its exit code."""
    (folder / "empty.tsv").write_text("")
    ended = command("align", *arguments, "--vectors", "v.txt", "-q")
    assert (ended.code, ended.is_clean()) == (code, True), ended.said
    assert message in ended.said


def test_a_head_is_chosen_on_one_half_and_measured_on_the_other(
    folder: Path, command: Command, translator: Path
) -> None:
    """The best of all heads and layers on the first pairs, as Python finds it; the rates of the rest."""
    pairs = [(s, t) for s, t, _ in PAIRS]
    gold = [links for *_, links in PAIRS]
    options = ("--model", str(translator), "--gold", "gold.txt", "--choose-head")
    ended = command("align", "pairs.tsv", *options, "--json", "-q")
    *alignments, scores = [json.loads(line) for line in ended.text.splitlines()]

    def links(layer: int, head: int | list[int], step: Any) -> list[Any]:
        sides = map(list, zip(*pairs, strict=True))
        return list(
            attncli.align(*sides, model=translator, layer=layer, head=head, align_with=step)
        )

    def rate(some: list[Any], part: slice) -> float:
        rates = Alignments(some[part]).score(gold[part])
        assert rates.aer is not None
        return rates.aer

    heads: list[Any] = [0, 1, 2, 3, [0, 1, 2, 3]]
    steps = ("input", "output")
    tried = {
        (k, str(h), step): rate(links(k, h, step), slice(0, 2))
        for k, h, step in product(range(3), heads, steps)
    }
    assert scores["chosen"]["pairs"] == 2
    assert len(scores["chosen"]["tried"]) == len(tried)
    for one in scores["chosen"]["tried"]:
        named = one["heads"][0] if len(one["heads"]) == 1 else one["heads"]
        assert one["aer"] == pytest.approx(tried[one["layers"][0], str(named), one["align_with"]])
    assert scores["chosen"]["tried"][0]["aer"] == pytest.approx(min(tried.values()))
    chosen = links(scores["layers"][0], scores["heads"], scores["align_with"])
    assert scores["aer"] == pytest.approx(rate(chosen, slice(2, 4)))
    assert scores["pairs"] == 2
    assert [[*map(tuple, record["links"])] for record in alignments] == [
        list(alignment.links) for alignment in chosen
    ]
    said = command("align", "pairs.tsv", *options, "-q").text.splitlines()
    assert len(said) == 6
    assert "chosen on the first 2 pairs" in said[-1]
    more = ("--layer", "2", "--align-with", "output")
    within = command("align", "pairs.tsv", *options, *more, "--json", "-q").text
    tried_there = json.loads(within.splitlines()[-1])["chosen"]["tried"]
    assert {(*one["layers"], one["align_with"]) for one in tried_there} == {(2, "output")}
    assert len(tried_there) == 5


def test_a_head_needs_pairs_to_be_measured_by(
    folder: Path, command: Command, translator: Path
) -> None:
    """One pair has no two halves."""
    (folder / "gold.txt").write_text("0-0\n")
    options = ("--model", str(translator), "--gold", "gold.txt", "--choose-head")
    ended = command("align", "haus", "house", *options)
    assert ended.code == 2
    assert "expected two or more" in ended.said


def test_a_model_aligns_files(folder: Path, command: Command, translator: Path) -> None:
    """As it aligns each pair; one that is too long keeps its place."""
    long = "haus " * 60
    lines = ["das haus\tthe house", f"{long}\thouse", "klein\tsmall", f"haus\t{long}"]
    (folder / "pairs.tsv").write_text("\n".join(lines))
    ended = command("align", "pairs.tsv", "--model", str(translator), "-q")
    assert ended.code == 3
    first, second, third, fourth = ended.text.splitlines()
    assert first == attncli.align("das haus", "the house", model=translator).to_pharaoh()
    assert third == "0-0"
    for number, side, line in ((2, "source", second), (4, "target", fourth)):
        assert line.startswith(f"# the {side} has ")
        assert "bart reads at most 48" in line
        assert f"error: pairs.tsv:{number}: the {side} has " in ended.said


def test_memory_does_not_grow_with_the_lines(folder: Path, command: Command) -> None:
    """Fifty times the lines cost less than what they hold."""
    script = (
        "import resource, sys\n"
        "from attncli.cli.app import run\n"
        "code = run(sys.argv[1:])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    resource = pytest.importorskip("resource")
    assert resource
    import subprocess
    import sys

    from conftest import child_environment

    peaks = []
    for count in (500, 25_000):
        path = folder / f"{count}.tsv"
        numbers = (n % 100 for n in range(count))
        path.write_text("".join(f"das haus {n}\tthe house {n}\n" for n in numbers))
        done = subprocess.run(
            [sys.executable, "-c", script, "align", path.name, "--vectors", "v.txt", "-o", "o.txt", "-q"],
            env=child_environment(), capture_output=True, text=True, cwd=folder, check=True,
        )  # fmt: skip
        peaks.append(int(done.stderr.splitlines()[-1]))
        assert (folder / "o.txt").read_text().splitlines() == ["0-0 1-1 2-2"] * count
    scale = 1024 if sys.platform == "darwin" else 1
    assert (peaks[1] - peaks[0]) / scale < 8_000


def test_a_reader_that_leaves_ends_it_quietly(folder: Path) -> None:
    """`head -1` of many lines."""
    ended = in_a_shell(
        f"cd '{folder}'; yes '{PAIRS[0][0]}\t{PAIRS[0][1]}' | head -5000 | "
        "attn align - --vectors v.txt | head -1; echo ${PIPESTATUS[2]}"
    )
    assert ended.text == "0-0 1-1 2-2 3-3\n0\n"
    assert ended.said == ""


def test_json_beside_a_file_of_json_is_the_format_of_the_scores(
    folder: Path, command: Command
) -> None:
    """Nothing says that it has no effect; without links of people it has none, which is said."""
    given = ("align", "pairs.tsv", "--vectors", "v.txt", "-o", "links.jsonl", "--json")
    ended = command(*given, "--gold", "gold.txt")
    assert json.loads(ended.text)["type"] == "alignment-scores"
    assert "no effect" not in ended.said
    assert "--json has no effect in a file" in command(*given).said
