"""What of records is written, as the writers of files take it."""

from dataclasses import dataclass
from typing import Any

from attncli.results.fields import DEFAULT_FIELDS, OPTIONAL_FIELDS
from attncli.results.predicted import NEXT

FULL = 0  # digits: as many as float32 needs to be read back
DEFAULT_PRECISION = 6


@dataclass(frozen=True, slots=True)
class RecordLayout:
    """Which fields, how many digits, how many keys a row; `described` as part of a job's identity.

    `facts` are the provenance that binary formats keep in their metadata. `of_models` are
    the fields of a model that few have and this one may: columns have a place for them then alone.
    `parts` are those that all results have of a decoder, or "keys": their columns are another text's.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    precision: int = DEFAULT_PRECISION
    top: int | None = None
    with_file: bool = False
    with_id: bool = False
    facts: tuple[tuple[str, str], ...] = ()
    of_models: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of the arrays to write, in order."""
        wanted = (*DEFAULT_FIELDS, *(name for name in OPTIONAL_FIELDS if name in self.include))
        return tuple(n for n in wanted if n not in self.exclude and n != "measures")

    def has(self, name: str) -> bool:
        """Whether a field that is there by default is wanted."""
        return name not in self.exclude

    def wants(self, name: str) -> bool:
        """Whether a field is wanted: those that are there on request only when they were named."""
        return self.has(name) and (name not in OPTIONAL_FIELDS or name in self.include)

    @property
    def wants_next(self) -> bool:
        """Whether what a language model says of words is wanted."""
        return NEXT in self.include and self.has(NEXT)

    def described(self) -> dict[str, Any]:
        """The layout as plain values."""
        return {
            "include": sorted(self.include),
            "exclude": sorted(self.exclude),
            "precision": "full" if self.precision == FULL else self.precision,
            "top": self.top,
        }
