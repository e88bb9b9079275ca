"""Results as Markdown: tables and equations that render on any site; words stay words."""

import re
from collections.abc import Sequence

from attncli.escape import visible
from attncli.insight.names import matrix_name
from attncli.insight.sums import PLAIN, sums_of
from attncli.result import AttentionResult
from attncli.views.equations import equation, sums_line
from attncli.views.facts import facts_line, model_line

# What Markdown, its tables, or the HTML inside it would obey in the middle of a line.
_MARKUP = re.compile(r"[\\`*_\[\]<>|#~$&!]")


def markdown(results: Sequence[AttentionResult], *, precision: int = 2) -> str:
    """A heading, the weights as a table, and the equations, for each result."""
    return "\n".join(line for result in results for line in _lines(result, precision))


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it is.

    >>> escaped("a|b")
    'a\\|b'
    """
    return _MARKUP.sub(r"\\\g<0>", visible(text))


def _lines(result: AttentionResult, precision: int) -> list[str]:
    lines = [f"## {escaped(result.text)}", "", escaped(facts_line(result)), ""]
    if model_line(result):
        lines += [escaped(model_line(result)), ""]
    lines += [f"> {escaped(warning.message)}\n" for warning in result.warnings]
    words, sums = [escaped(word) for word in result.words], sums_of(result)
    for layer in range(result.attention.n_layers):
        for head in range(result.attention.n_heads):
            weights = result.weights[layer, head]
            name = matrix_name(result, layer, head)
            lines += [f"### {escaped(name)}", ""] if name else []
            lines += ["| from ↓ to → | " + " | ".join(words) + " |"]
            lines += ["|" + " --- |" + " ---: |" * len(words)]
            for word, row in zip(words, weights.tolist(), strict=True):
                cells = " | ".join(f"{weight:.{precision}f}" for weight in row)
                lines.append(f"| **{word}** | {cells} |")
            lines.append("")
            if sums != PLAIN:
                lines += [escaped(sums_line(result)) + ":", ""]
            for query in range(len(words)):
                row = weights[query]
                formula = equation(
                    result.words, query, row, digits=precision, beside=precision, sums=sums
                )
                lines.append(f"- {escaped(formula)}")
            lines.append("")
    return lines
