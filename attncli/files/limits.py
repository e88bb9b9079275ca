"""What a file may ask for before it is told no. Sizes in a file are claims until the bytes come."""

from typing import NamedTuple

from attncli.errors import LimitError, command_line

_INCREDIBLE = 1 << 24  # values: no vectors have so many, something else was read as their number
KIB, MIB = 1 << 10, 1 << 20


class Limits(NamedTuple):
    """Sizes in bytes, but `dim` (values of a vector) and `ratio` (unpacked : packed).

    Without `finite` values that are not finite are let through: to look into a file, not to use it.
    """

    line: int = 4 * MIB
    word: int = 64 * KIB
    dim: int = 65_536
    memory: int | None = None  # None: three quarters of what is free
    unpacker: int = 256 * MIB  # memory of the unpacker itself (xz dictionary)
    ratio: int = 200  # beyond `small` unpacked, more than this is taken for a bomb
    small: int = 32 * MIB
    blank_lines: int = 1_000
    bad_lines: int = 1_000
    finite: bool = True


def memory_budget(limits: Limits) -> int:
    """The bytes a plan may take: the limit given, or three quarters of what is free."""
    if limits.memory is not None:
        return limits.memory
    from attncli.arrays.memory import available_memory

    free = available_memory()
    return 1 << 62 if free is None else 3 * free // 4


def check_dim(dim: int, limits: Limits, place: str) -> None:
    """Raises: LimitError for vectors of more values than the limit."""
    if dim > limits.dim:
        raise LimitError(
            f"{dim} values; the limit is {limits.dim}",
            place=place,
            hints=(command_line("vectors import FILE", max_dim=dim),) if dim < _INCREDIBLE else (),
        )
