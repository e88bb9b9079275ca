"""The options of a mechanism, the same on every command, and the analysis that they ask for."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attncli.cli import options as opt
from attncli.cli import selecting
from attncli.cli.vain_options import Effects, say_vain
from attncli.settings import BUILT_IN, MATRIX_FIELDS, OF_PRESET, MechanismSettings, Which
from attncli.settings.frozen import dataclass, default_of, replace

if TYPE_CHECKING:
    from attncli.api.analysis import Analysis
    from attncli.insight.chosen_part import Part
    from attncli.settings import Keeps


@dataclass(frozen=True, slots=True)
class Mechanism(MechanismSettings):
    """The options of `MechanismSettings`, and those that choose a part of a result (layer to hide)."""

    OPTIONS = opt.MECHANISM_OPTIONS

    target: str | None = None
    random_matrices: bool = False
    layer: str | None = None
    head: str | None = None
    agg: str | None = None
    merge: bool = False
    hide: list[str] | None = None
    part: Which | None = None

    @property
    def chooses(self) -> bool:
        """Whether layers or heads are chosen or drawn together."""
        return any(option is not None for option in (self.layer, self.head, self.agg))

    @property
    def gives(self) -> bool:
        """Whether matrices of the user's own make the attention task-specific."""
        return any(getattr(self, name) is not None for name in MATRIX_FIELDS)

    @property
    def has_one_matrix(self) -> bool:
        """Whether a sentence has one matrix of weights, and nothing is to be chosen."""
        only_general = self.attention == "general" and self.model is None and not self.gives
        return only_general and self.preset is None

    @property
    def is_plain(self) -> bool:
        """Whether this is general attention with the built-in vectors."""
        special = self.inline is not None or self.model is not None or self.gives
        return not special and self.attention == "general" and self.vectors in BUILT_IN

    def settings(self) -> MechanismSettings:
        """The mechanism without the part that is chosen of its results."""
        values = {name: getattr(self, name) for name in default_of(MechanismSettings)}
        values["preset"] = None  # its choices are among the others
        if self.target is not None and opt.is_place(self.target):
            values["target"] = int(self.target)
        return MechanismSettings(**values)


DEFAULTS = Mechanism()


def effects_of(
    mechanism: Mechanism, *, merges: bool = True, include: Iterable[str] = ()
) -> Effects:
    """The options whose effect shows only in results, to be watched; not --merge where all merge."""
    is_learned = mechanism.gives or mechanism.model is not None
    return Effects(
        hide=mechanism.hide or (),
        merge=merges and mechanism.merge and mechanism.model is not None,
        agg=mechanism.agg if is_learned else None,
        seed=_seed_may_be_vain(mechanism),
        include=include,
    )


def _seed_may_be_vain(mechanism: Mechanism) -> bool:
    """Whether it depends on the words if --seed acts: only unknown ones get a random vector."""
    words = mechanism.inline is not None or mechanism.vectors != "random"
    return (
        mechanism.seed != DEFAULTS.seed
        and words
        and (mechanism.attention == "general" or mechanism.gives)
        and mechanism.model is None
        and not any(option == "--seed" for option, _ in _vain(mechanism))
    )


def _vain(mechanism: Mechanism) -> list[tuple[str, str]]:
    """The options that nothing depends on, each with the reason."""
    m, vain = mechanism, list[tuple[str, str]]()
    is_random = m.vectors == "random" and m.inline is None
    built_in = m.vectors in BUILT_IN or m.vectors.startswith(OF_PRESET)
    if m.no_cache and (is_random or m.inline is not None or built_in):
        vain.append(("--no-cache", "on vectors that are never kept in the cache"))
    if m.oov != DEFAULTS.oov and is_random:
        vain.append(("--oov", "where every word has a random vector"))
    if m.merge and m.model is None:
        vain.append(("--merge", "on words: only a transformer has pieces of them"))
    one_matrix = m.attention == "general" or m.heads in (None, 1)
    if m.agg is not None and m.model is None and not m.gives and one_matrix:
        vain.append(("--agg", "on the one matrix that there is"))
    if m.seed == DEFAULTS.seed or is_random:
        return vain
    if m.model is not None:
        vain.append(("--seed", "here: the model says how unknown words are read"))
    elif (m.attention == "general" or m.gives) and m.oov in ("zero", "mean", "skip", "error"):
        vain.append(("--seed", f"with --oov {m.oov}: nothing is random"))
    return vain


def analysis_of_options(
    mechanism: Mechanism,
    include: frozenset[str] = frozenset(),
    *,
    asked: frozenset[str] = frozenset(),
    in_short: bool = False,
    whole: bool = True,
    quiet: bool = False,
    foresees: bool = False,
    keeps: "Keeps" = "all",
    drawn: bool = False,
    paired_by: str | None = None,
) -> "Analysis":
    """Attention as the options choose it; `include`, `asked`, `in_short`, `foresees` as `open_analysis`.

    `paired_by` is the field that gives each text a second one.
    With `drawn` nothing is wanted of a decoder and its encoder but the part that views show.

    Without `whole` a file of vectors is searched for the words of the sentences, not converted;
    `quiet` silences its warnings and notes.

    Raises: UsageError for options out of range or that exclude each other; what opening the
    vectors or the model raises.
    """
    chosen = part_chosen(mechanism)
    if drawn and (mechanism.pair is not None or mechanism.complete is not None):
        from attncli.insight.chosen_part import Part

        chosen = replace(Part() if chosen is None else chosen, shown=True)
    for name, where in _vain(mechanism):
        say_vain([name], where, quiet=quiet)
    from attncli.api.analysis import open_analysis
    from attncli.cli.vectors.access import access_to

    whole = whole or mechanism.oov in ("mean", "subword", "nearest")
    cached = not mechanism.no_cache
    with access_to(mechanism.vectors, whole=whole, cached=cached, quiet=quiet) as access:
        return open_analysis(
            mechanism.settings(),
            include,
            asked=asked,
            part=chosen,
            in_short=in_short,
            foresees=foresees,
            keeps=keeps,
            access=access,
            paired_by=paired_by,
        )


def part_chosen(mechanism: Mechanism) -> "Part | None":
    """The part that the options choose, if any does. Raises: UsageError."""
    if not (mechanism.chooses or mechanism.merge or mechanism.hide or mechanism.part):
        return None
    return selecting.part_of_options(mechanism)
