"""`attn view`: any saved result drawn again, and other people's matrices."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from attncli.cli import options as opt
from attncli.cli import selecting
from attncli.cli.comparing import show_comparison
from attncli.cli.manner import PLAIN, Manner
from attncli.cli.notices import Notices
from attncli.cli.options import CHOOSING, INPUT, option, switch
from attncli.cli.running import is_taken
from attncli.cli.showing import (
    given_over,
    kept_for_file,
    moved_words,
    print_record,
    say_which_part,
    shown_text,
    write_kept,
)
from attncli.cli.spreading import grouped
from attncli.cli.terminal import message, standard_input, write
from attncli.cli.vain_options import COMPARISONS, STAGED, Effects, say_vain, warn_of_vain
from attncli.errors import AttnError, DataError, EmptyError
from attncli.errors.wording import counted_as, visible
from attncli.files.apart import expect_writable, files_given, written
from attncli.settings import Which
from attncli.settings.frozen import dataclass, default_of, replace

if TYPE_CHECKING:
    from attncli.cli.showing import Kept
    from attncli.results.result import AttentionResult

_OF_A_COMPARISON = "on a saved comparison"
_AS_HELD = "where a record is written with the fields that it holds"
_ONE_ARRAY = "on a file of one array"
_MOST_MATRICES = 6  # on a terminal, unless a layer or head is chosen

File = Annotated[
    str,
    opt.argument(
        "FILE",
        "A saved result (JSON, JSONL, npz, Parquet, Arrow; of attn batch also CSV) or weights (npy, npz, csv, tsv, json, "
        "safetensors); - reads standard input.",
    ),
]
Tokens = Annotated[
    str | None,
    option(INPUT, "WORDS", 'Names of the tokens: "a b c", or @FILE with one a line.'),
]
Pair = Annotated[
    str | None,
    option(INPUT, "WORDS", "Tokens of the second sentence, or of the columns, as --tokens."),
]
Scores = Annotated[
    bool, switch(INPUT, "The numbers are scores: take the softmax of each row.", "--scores")
]
ArrayName = Annotated[
    str | None, option(INPUT, "NAME", "Which array of a file of several.", "--array")
]

Index = Annotated[
    int | None, option(CHOOSING, "N", "Only this result of the file, 0 the first.", min=0)
]


@dataclass(frozen=True, slots=True)
class Choosing:
    """The part of each result that is drawn."""

    layer: str | None = None
    head: str | None = None
    agg: str | None = None
    merge: bool = False
    hide: list[str] | None = None
    part: Which | None = None

    def of(self, result: "AttentionResult", asked: frozenset[str]) -> "AttentionResult":
        """The part of a result, which says which of the fields `asked` for it lost."""
        chosen = selecting.part_of_options(self)
        return replace(chosen, asked=asked).of(result)

    def few(self, result: "AttentionResult", *, silent: bool) -> "Choosing":
        """The same part, or of many matrices what `explain` shows of them, said so.

        A result that holds all its layers and heads is shown as `explain` shows it; of those that
        somebody chose, and of another tool's matrices, several are shown.
        """
        from attncli.insight.chosen_part import FEW_HEADS, Part

        if self.layer or self.head or self.agg:
            return self
        whole = Part(which=self.part).of(result)
        facts, selection = whole.attention, whole.selection or {}
        n_layers, n_heads = facts.n_layers, facts.n_heads
        is_own = not (facts.is_foreign or "layers" in selection or "heads" in selection)
        if not is_own and n_layers * n_heads <= _MOST_MATRICES:
            return self
        layer = "-1" if n_layers > 1 else None
        agg = "mean" if n_heads > FEW_HEADS else None
        if not silent and (layer or agg):
            place = "last layer" if layer else "layer"
            shown = f"the mean of the {place}'s heads" if agg else f"the {place}"
            message(
                "note",
                f"{counted_as(n_layers, 'layer')} of {counted_as(n_heads, 'head')}: shown is "
                f"{shown}; --layer, --head and --agg choose, -o FILE.html shows all",
            )
        return replace(self, layer=layer, agg=agg)


_EVERY = Choosing()


@grouped
def view(
    file: File,
    tokens: Tokens = None,
    pair: Pair = None,
    scores: Scores = False,
    array: ArrayName = None,
    index: Index = None,
    choosing: Choosing = _EVERY,
    manner: Manner = PLAIN,
    quiet: opt.Quiet = False,
) -> None:
    """Draw a saved result again, or the matrix of another tool.

    \b
    Examples:
      attn explain "money bank grows" --json | attn view -
      attn view results.jsonl -o results.html
      attn view weights.parquet --index 7
      attn view results.jsonl -o heads.pdf --size 17cmx12cm --grid auto
      attn view weights.npy --tokens "money bank grows"
      attn view cross.npy --tokens "the house" --pair "das Haus ."
      attn view attentions.npz --tokens @tokens.txt --layer -1 --agg mean
      attn view attentions.npz --tokens @tokens.txt --merge --hide "[CLS]" --top 5
    """
    from attncli.api.view import held_in, token_names
    from attncli.results.comparison import Comparison
    from attncli.results.fields import OPTIONAL_FIELDS

    inputs = files_given([file, *_named_files(tokens, pair)])
    expect_writable(written("output", manner.output), inputs)
    asked = frozenset(OPTIONAL_FIELDS if manner.keeps_fields else ())
    notices = Notices(quiet)
    effects = Effects(hide=choosing.hide or (), merge=choosing.merge, agg=choosing.agg)
    kept: list[Kept] = []
    shown = failed = 0
    of_three = False
    names, others = token_names(tokens, pair)
    held = held_in(
        file, standard_input, tokens=names, pair=others, scores=scores, member=array, index=index
    )
    for outcome in held:
        if isinstance(outcome, Comparison):
            given = {"--tokens": tokens, "--scores": scores, "--array": array}
            _say_vain_of_comparison(manner, choosing, given, quiet)
            show_comparison(outcome, manner, quiet=quiet)
            return
        if isinstance(outcome, AttnError):
            notices.set_aside(outcome)
            failed += 1
            continue
        if not shown:
            manner.warn_of_vain(quiet)
            _say_vain_of_results(outcome, manner, scores, array, file, quiet)
        silent = quiet or manner.json or manner.output is not None or is_taken()
        if choosing.part is None and not manner.keeps_whole:
            of_three |= outcome.cross is not None
            outcome = outcome.shown
        drawn = choosing.few(outcome, silent=silent) if manner.pools else choosing
        result = drawn.of(outcome, asked)
        effects.see(result)
        notices.warn(result, None)
        if manner.steps and not manner.json:
            _expect_stages(result, manner)
        if manner.output is None and not given_over(result, manner):
            _print(result, manner, first=not shown)
        elif manner.output is not None:
            kept.append(kept_for_file(result, manner))
        shown += 1
    if not shown and not failed:
        raise EmptyError("the file holds no result", place=visible(file)[:200])
    every = dict.fromkeys(chain.from_iterable(_fields_of(result) for result, *_ in kept))
    write_kept(kept, manner, (tuple(every), ()), quiet)
    is_decoder = choosing.part == "decoder"
    say_which_part(manner, is_shown=of_three, is_decoder=is_decoder, quiet=quiet)
    effects.warn(quiet=quiet)
    notices.end()


def _say_vain_of_comparison(
    manner: Manner, choosing: Choosing, given: Mapping[str, object], quiet: bool
) -> None:
    """Says which options do nothing for a comparison, which is drawn in one way only."""
    chosen = {f"--{name}": getattr(choosing, name) for name in default_of(Choosing)}
    flags: dict[str, object] = {"--show": manner.show, "--full": manner.full, "--row": manner.row}
    flags |= {"--steps": manner.steps, "--speak": manner.speak, "--diagram": manner.diagram}
    flags |= {"--notation": manner.notation != "words", "--why": manner.why}
    flags |= {"--map": manner.head_map, "--measure": manner.measure}
    flags |= manner.figure_options()
    say_vain(
        [name for name, value in {**given, **chosen, **flags}.items() if value],
        _OF_A_COMPARISON,
        quiet=quiet,
    )
    kind = manner.kind if manner.json or manner.output is not None else "tables"
    shaping = {"--precision": manner.precision, "--top": manner.top, **manner.looks()}
    shaping["--no-footer"] = manner.no_footer or None
    if kind in ("svg", "png", "pdf") and manner.precision is not None:  # the map has no numbers
        say_vain(["--precision"], _OF_A_COMPARISON, quiet=quiet)
        shaping["--precision"] = None
    warn_of_vain(kind, shaping | {"--full": None}, COMPARISONS, quiet=quiet)


def _say_vain_of_results(
    result: "AttentionResult",
    manner: Manner,
    scores: bool,
    array: str | None,
    file: str,
    quiet: bool,
) -> None:
    """Says which options of given matrices, and of stages, do nothing here."""
    saved = not result.attention.is_foreign
    say_vain(["--scores"] if scores and saved else [], "on saved results", quiet=quiet)
    say_vain(["--array"] if array and not _may_hold_several(file) else [], _ONE_ARRAY, quiet=quiet)
    vain = ["--steps"] if manner.steps and manner.keeps_fields else []
    say_vain(vain, _AS_HELD, quiet=quiet)


def _may_hold_several(file: str) -> bool:
    """Whether a file is an archive of arrays or a safetensors file."""
    try:
        with Path(file).open("rb") as stream:
            start = stream.read(9)
    except OSError:  # standard input, which is read once
        return True
    return start[:2] == b"PK" or start[8:9] == b"{"


def _print(result: "AttentionResult", manner: Manner, *, first: bool) -> None:
    if manner.json:
        print_record(result, manner, _fields_of(result))
        return
    from attncli.insight.old_vectors import old_vectors

    if "moved" in (manner.show or "") and old_vectors(result) is None:
        name = result.attention.old_field or "embeddings"
        raise DataError(
            f"the result holds no {name}, so how far words moved is not known",
            hints=(
                f'attn explain "money bank grows" --include {name} --json | '
                "attn view - --show moved",
            ),
        )
    text = shown_text(
        result, manner, moved_words(result, None, manner), default=("weights", "equations")
    )
    write(text if first else "\n" + text)


def _expect_stages(result: "AttentionResult", manner: Manner) -> None:
    """Raises: DataError where the stages are shown and the result does not hold them."""
    shown = manner.output is None or manner.kind in STAGED
    if shown and (missing := _missing(result)):
        raise DataError(
            f"the result holds no {missing}, which the stages are made of",
            hints=('attn explain "money bank grows" --steps --json | attn view - --steps',),
        )


def _missing(result: "AttentionResult") -> str:
    return next((name for name in ("query", "key", "value") if getattr(result, name) is None), "")


def _named_files(*given: str | None) -> "Iterator[str]":
    """The files that @FILE names."""
    yield from (text[1:] for text in given if text is not None and text.startswith("@"))


def _fields_of(result: "AttentionResult") -> tuple[str, ...]:
    from attncli.results.fields import OPTIONAL_FIELDS

    return tuple(name for name in OPTIONAL_FIELDS if getattr(result, name) is not None)
