"""Warnings about many sentences on stderr: the first few of each kind, then only a count."""

from collections import Counter
from typing import TYPE_CHECKING

from attncli.cli.terminal import message, report
from attncli.errors import AttnError, PartialError

if TYPE_CHECKING:
    from attncli.results.result import AttentionResult

_SAID = 5  # messages of one kind


class Notices:
    """Warnings of results and sentences that were set aside."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._counts: Counter[str] = Counter()
        self._done = 0

    def warn(self, result: "AttentionResult", place: str | None) -> None:
        """Says the warnings of a result, unless quiet or said often enough."""
        from attncli.views.warnings import warning_texts

        self._done += 1
        if self._quiet:
            return
        for warning, text in zip(result.warnings, warning_texts(result), strict=True):
            self._counts[warning.code] += 1
            if self._counts[warning.code] <= _SAID:
                message("warning", f"{place}: {text}" if place else text)

    def passed(self) -> None:
        """Counts a result that is done, without its warnings."""
        self._done += 1

    def set_aside(self, error: AttnError) -> None:
        """Says why a sentence was set aside."""
        self._counts["error"] += 1
        if self._counts["error"] <= _SAID:
            report(error)

    def end(self) -> None:
        """Says how much was not said. Raises: PartialError when sentences were set aside."""
        for kind, count in self._counts.items():
            if count > _SAID:
                message(
                    "note",
                    f"… and {count - _SAID} more ({kind}); the records of --json hold them all",
                )
        failed = self._counts["error"]
        if failed:
            what = "1 sentence was" if failed == 1 else f"{failed} sentences were"
            rest = "the others are done" if self._done else "none was left"
            raise PartialError(f"{what} set aside; {rest}")
