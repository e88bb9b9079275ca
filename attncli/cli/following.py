"""The words that `--row` names, in a sentence."""

from collections.abc import Sequence

from attncli.cli.options import is_place
from attncli.errors import UsageError


def places_of_rows(words: Sequence[str], asked: Sequence[str]) -> tuple[int, ...] | None:
    """The places of the words of --row, None when none was asked for.

    Raises: UsageError when a word is not in the sentence.
    """
    if not asked:
        return None
    from attncli.text.forms import places_of_word

    rows: list[int] = []
    for name in [part for given in asked for part in _separate(given, words)]:
        places = places_of_word(name, words)
        if not places and is_place(name) and int(name) < len(words):
            places = [int(name)]
        if not places:
            from attncli.errors.wording import did_you_mean, quoted

            meant = did_you_mean(name, words)
            given = " ".join(words[:8])
            raise UsageError(f"{quoted(name)} is not in {quoted(given)}{meant}", place="--row")
        rows += places
    return tuple(dict.fromkeys(rows))


def _separate(name: str, words: Sequence[str]) -> list[str]:
    """The words of a list with commas, unless the whole is a word of the sentence."""
    return [name] if name in words else [part.strip() for part in name.split(",") if part.strip()]
