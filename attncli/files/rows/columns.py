"""The columns of a table that are asked for → the places where they stand.

A column is found by its name, with letter case and blanks around it forgiven. Where a caller may
give numbers, a number that is no name is a place from 1; when all columns that are given are numbers
and the first line has none of the names that are looked for besides, that line is a row.
"""

from collections.abc import Sequence

from attncli.errors import Blank, DataError, UsageError, field_name, setting
from attncli.errors.wording import did_you_mean, quoted
from attncli.files.rows.shape import Shape

_MOST_DIGITS = 6  # of the number of a column


def has_header(first: Sequence[str], shape: Shape) -> bool:
    """Whether the first line of a table names its columns."""
    given = [column for i, column in enumerate(shape.columns) if shape.is_chosen(i)]
    if not (shape.by_number and shape.is_chosen(0) and all(map(column_number, given))):
        return True
    named = [column for column in given if places_of(first, column)]
    looked_for = [column for i, column in enumerate(shape.columns) if not shape.is_chosen(i)]
    return len(named) == len(given) or any(places_of(first, column) for column in looked_for)


def read_as_row(field: str) -> str:
    """What to say of the first line of a table whose columns are all given by number."""
    return f"line 1 is read as a row; where it is a header, {field_name(field)} takes a name of it"


def places(header: Sequence[str], shape: Shape, place: str) -> tuple[int | None, ...]:
    """Where each wanted column stands. Raises: UsageError or DataError."""
    at = [_place(header, column, i, shape, place) for i, column in enumerate(shape.columns)]
    if shape.by_number:
        for i in given_away(at, shape):
            at[i] = None
        expect_different(at, shape)
    return tuple(at)


def given_away(at: Sequence[object], shape: Shape) -> list[int]:
    """The columns that nobody named and that a caller named for something else; `at` as below."""
    chosen = {one for i, one in enumerate(at) if shape.is_chosen(i)}
    return [i for i, one in enumerate(at) if i and one in chosen and not shape.is_chosen(i)]


def expect_different(at: Sequence[object], shape: Shape) -> None:
    """Raises: UsageError where one column is given for two things; `at` says where each stands."""
    for i, one in enumerate(at):
        for other in range(i):
            if one is not None and one == at[other] and shape.is_chosen(i):
                name = shape.fields[other].removesuffix("_column") or "other"
                what = "text" if name == "column" else name.replace("_", " ")
                raise UsageError(
                    f"found {quoted(shape.columns[i])}, which is the column of the {what}, "
                    "expected another",
                    place=field_name(shape.fields[i]),
                )


def places_of(header: Sequence[str], column: str) -> list[int]:
    """Where a header has a column: written just so, else but for case and blanks around it."""
    exact = [at for at, cell in enumerate(header) if cell == column]
    return exact or [at for at, cell in enumerate(header) if is_alike(cell, column)]


def is_alike(cell: str, column: str) -> bool:
    """Whether two names are the same but for case and blanks around them."""
    return cell.strip().lower() == column.strip().lower()


def no_column(column: str, header: Sequence[str], place: str) -> UsageError:
    """The error for a column that a caller named and the table has not."""
    listed = ", ".join(quoted(cell) for cell in header[:8])
    more = f" and {len(header) - 8} more" if len(header) > 8 else ""
    meant = did_you_mean(column, header)
    return UsageError(
        f"found no column {quoted(column)}, expected one of {listed}{more}{meant}", place=place
    )


def _place(header: Sequence[str], column: str, i: int, shape: Shape, place: str) -> int | None:
    alike = places_of(header, column)
    if len(alike) > 1:
        raise _twice(column, alike, i, shape, place)
    if alike:
        return alike[0]
    number = column_number(column) if shape.by_number and shape.is_chosen(i) else None
    if number is not None:
        if not 1 <= number <= len(header):
            raise UsageError(
                f"found {number}, expected the name of a column or a number from 1 to {len(header)}",
                place=field_name(shape.fields[i]),
            )
        return number - 1
    if i > 0 and not shape.required and not shape.is_chosen(i):
        return None
    raise _missing(header, column, i, shape, place)


def _twice(column: str, alike: Sequence[int], i: int, shape: Shape, place: str) -> DataError:
    hints: tuple[str, ...] = ()
    if shape.by_number and i < len(shape.fields) and shape.fields[i]:
        hints = (f"{setting(**{shape.fields[i]: alike[0] + 1})} takes the first of them",)
    return DataError(f"the column {column} occurs twice", place=place, hints=hints)


def _missing(
    header: Sequence[str], column: str, i: int, shape: Shape, place: str
) -> DataError | UsageError:
    if shape.is_chosen(i):
        return no_column(column, header, field_name(shape.fields[i]))
    hints: tuple[str, ...] = ()
    if shape.fields:
        lacking = dict.fromkeys([shape.fields[i], *_label_field(header, shape)], Blank("NAME"))
        chosen = setting(**lacking)
        hints = (f"{chosen} {'names the column' if len(lacking) == 1 else 'name the columns'}",)
        if shape.by_number:
            first = setting(**dict.fromkeys(list(lacking)[:1], 1))
            hints += (f"{first} is the first column of a table without a header line",)
    if any(cell.strip('"') == column for cell in header):
        hints = ("a TSV has no quoting; name the file .csv if its cells are quoted",)
    also = " and label" if "label" in shape.others else ""
    listed = ", ".join(quoted(cell) for cell in header[:8])
    return DataError(
        f"found the columns {listed}, expected a header line with {column}{also}",
        place=place,
        hints=hints,
    )


def _label_field(header: Sequence[str], shape: Shape) -> list[str]:
    """The field of the labels' column, where the header lacks it and the caller did not name it."""
    at = shape.columns.index("label") if "label" in shape.others else len(shape.fields)
    missing = at < len(shape.fields) and not shape.is_chosen(at) and not places_of(header, "label")
    return [shape.fields[at]] if missing else []


def column_number(column: str) -> int | None:
    """The number that a column is given by, None for a name."""
    text = column.strip()
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_number and int(text) > 0 else None
