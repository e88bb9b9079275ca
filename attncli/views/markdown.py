"""Results as Markdown: tables and equations that render on any site; words stay words."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from attncli.arrays import FloatArray
from attncli.errors.wording import UNSEEN
from attncli.escape import isolated, quotes_isolated
from attncli.insight.sums import PLAIN, sums_of
from attncli.results.names import matrix_name
from attncli.results.result import AttentionResult
from attncli.settings import Notation
from attncli.views.equations import equation, sums_line
from attncli.views.facts import facts_line, model_line
from attncli.views.notation import Signs, names_of_result, symbols_line, weights_title
from attncli.views.predicted import completion_sentence, predicted_sentences

# What Markdown, its tables, or the HTML inside it would obey in the middle of a line; addresses that
# would become links.
_MARKUP = re.compile(r"[\\`*_\[\]<>|#~$&!]|:(?=//)|(?<=www)\.", re.IGNORECASE)
# What nobody sees, and blanks that Markdown drops: character references give them back.
_REFERENCES = re.compile(f"[{UNSEEN}]|^\\s|\\s$|(?<= ) ")
_NO_REFERENCE = re.compile("[\x00\ud800-\udfff]")
_LONGEST = 40  # characters of a word in an equation


def markdown(
    results: Sequence[AttentionResult],
    *,
    precision: int = 2,
    stages: Sequence[str] = (),
    notation: Notation = "words",
    made_by: str = "",
) -> Iterator[str]:
    """A heading, the weights as a table, and the equations, for each result: text in parts.

    `stages` are texts of every stage, one for each result; `made_by` is the command for a footer.
    """
    texts = [*stages, *[""] * (len(results) - len(stages))]
    between = ""
    for result, text in zip(results, texts, strict=True):
        for line in chain(_lines(result, precision, notation), _stages(text)):
            yield between + line
            between = "\n"
    for line in markdown_footer(made_by):
        yield between + line


def markdown_escaped(text: str) -> str:
    r"""Text that Markdown shows as it is.

    >>> escaped("a|b")
    'a\\|b'
    """
    plain = _NO_REFERENCE.sub("\ufffd", text)
    return _REFERENCES.sub(_reference, _MARKUP.sub(r"\\\g<0>", plain))


def markdown_footer(made_by: str) -> list[str]:
    """The command that made a file, at its end; nothing where none is said."""
    return ["---", "", "Made by:", "", *_fenced(made_by, "sh")] if made_by else []


def markdown_table(
    corner: str, columns: Sequence[str], rows: Iterable[tuple[str, Iterable[str]]]
) -> Iterator[str]:
    """The lines of a table: the name of each row, and its cells."""
    yield f"| {corner} | {' | '.join(columns)} |"
    yield "| --- |" + " ---: |" * len(columns)
    for name, cells in rows:
        yield f"| {name} | {' | '.join(cells)} |"


def markdown_weights(
    words: Sequence[str],
    weights: FloatArray,
    precision: int,
    keys: Sequence[str] | None = None,
) -> Iterator[str]:
    """The lines of a table of weights; columns are the `keys` where they are other words.

    Shapes: weights (n_tokens, n_keys).
    """
    names = (f"**{word}**" if word else "" for word in words)
    texts = ([f"{weight:.{precision}f}" for weight in row] for row in weights.tolist())
    return markdown_table(
        "from ↓ to →", words if keys is None else keys, zip(names, texts, strict=True)
    )


def _stages(text: str) -> list[str]:
    return _fenced(text, "text") if text else []


def _fenced(text: str, kind: str) -> list[str]:
    """A text as it is, inside a fence longer than any that it holds."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{kind}", *text.rstrip("\n").split("\n"), fence, ""]


def _reference(found: "re.Match[str]") -> str:
    return f"&#{ord(found.group())};"


def _short(text: str) -> str:
    return markdown_escaped(isolated(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"))


def _symbol(letter: str, name: str) -> str:
    return f"{letter}\\_{_short(name)}"


_SIGNS = Signs(_symbol, _short)


def _lines(result: AttentionResult, precision: int, notation: Notation) -> Iterator[str]:
    yield from (f"## {markdown_escaped(isolated(result.text))}", "")
    yield from (markdown_escaped(facts_line(result, isolated)), "")
    if model_line(result):
        yield from (markdown_escaped(model_line(result, isolated)), "")
    for said in (completion_sentence(result, isolated), *predicted_sentences(result, isolated)):
        yield from (markdown_escaped(said), "") if said else ()
    yield from (
        f"> {markdown_escaped(quotes_isolated(warning.message))}\n" for warning in result.warnings
    )
    words, keys = (
        [markdown_escaped(word) for word in of] for of in (result.words, result.key_words)
    )
    sums = sums_of(result)
    names = None if notation == "words" else names_of_result(result)
    if names is not None and names.words:
        yield from (f"{weights_title(names, _SIGNS)}.", "")
    for layer in range(result.attention.n_layers):
        for head in range(result.attention.n_heads):
            weights = result.weights[layer, head]
            name = matrix_name(result, layer, head)
            yield from (f"### {markdown_escaped(name)}", "") if name else ()
            yield from (*markdown_weights(words, weights, precision, keys), "")
            yield from (markdown_escaped(sums_line(result)) + ":", "") if sums != PLAIN else ()
            if names is not None and sums.terms is not None:
                yield from (symbols_line(names, range(len(keys)), sums.terms[0], _SIGNS) + ":", "")
            for query in range(len(words)):
                row = weights[query]
                formula = equation(
                    *(result.words, query, row),
                    digits=precision,
                    beside=precision,
                    shown=_short,
                    sums=sums,
                    names=names,
                    signs=_SIGNS,
                    keys=result.key_words,
                )
                yield f"- {formula}"
            yield ""
