"""Which sections of a result are shown, and how wide."""

from typing import Literal, NamedTuple, TypeAlias

from attncli.settings import Notation

Section: TypeAlias = Literal["tokens", "next", "weights", "equations", "embeddings", "moved"]
SECTIONS: tuple[Section, ...] = ("tokens", "next", "weights", "equations", "embeddings", "moved")


class Layout(NamedTuple):
    """What to show and how wide: digits of the matrix and tables, of the equations' coefficients.

    With `top` each row shows its strongest keys only, and what the others get together. `notation`
    is that of equations. With `overview` the sections are those of a first screen.
    """

    sections: tuple[Section, ...] = SECTIONS
    width: int = 80
    precision: int = 3
    digits: int = 2
    everything: bool = False
    top: int | None = None
    notation: Notation = "words"
    overview: bool = False
