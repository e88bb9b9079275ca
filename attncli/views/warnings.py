"""The warnings of a result as lines of text; loads nothing, so that JSON output can use it."""

from attncli.errors.wording import quoted
from attncli.results.result import AttentionResult


def warning_texts(result: AttentionResult) -> list[str]:
    """One line for each warning; the words of an empty row are named."""
    texts = []
    for warning in result.warnings:
        named = ", ".join(quoted(result.words[i]) for i in warning.tokens[:5])
        texts.append(
            f"{named}: {warning.message}" if warning.code == "empty-row" else warning.message
        )
    return texts
