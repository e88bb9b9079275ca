"""What every result offers beside its fields: a matrix, tables, a picture, a file.

It stands here, and not in a module of its own, because the command loads no module more than it
needs; libraries and what does it, in rooms above, are imported when a method is called.
"""

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Unpack

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    import xarray
    from matplotlib.axes import Axes

    from attncli.arrays import Float32Array
    from attncli.insight.heads import HeadMap
    from attncli.settings import FigureChoices, Palette


class Tables:
    """The base of a result and of a list of them: what they can be turned into."""

    __slots__ = ()

    @property
    def _results(self) -> Any:
        return self

    def to_pandas(self) -> "pandas.DataFrame":
        """A row for each weight: index, layer, head, query, key, query_word, key_word, weight.

        `index` is the place of the result in a list, `query` and `key` are those of the words, which
        may occur twice; weights are float32.
        Raises: MissingExtraError where pandas is not installed.
        """
        from attncli.results.tables import pandas_table

        return pandas_table(self._results)

    def to_polars(self) -> "polars.DataFrame":
        """The table of `to_pandas`, of polars. Raises: MissingExtraError."""
        from attncli.results.tables import polars_table

        return polars_table(self._results)

    def to_arrow(self) -> "pyarrow.Table":
        """The table of `to_pandas`, of Arrow. Raises: MissingExtraError."""
        from attncli.results.tables import arrow_table

        return arrow_table(self._results)

    def save(
        self,
        path: str | PathLike[str],
        *,
        precision: int | None = None,
        top: int | None = None,
        exclude: Iterable[str] = (),
        notation: Literal["words", "lecture"] = "words",
        **figure: "Unpack[FigureChoices]",
    ) -> None:
        """Writes all in the format of the ending, as `attncli.save` does."""
        from attncli.checks.arguments import path_of
        from attncli.results.saving import save_results

        save_results(
            self._results,
            path_of(path),
            precision=precision,
            top=top,
            exclude=exclude,
            notation=notation,
            figure=figure,
        )

    def _repr_html_(self) -> str:
        """What a notebook shows: each result, one below the other; words are escaped."""
        from attncli.views.notebook import shown_results

        return shown_results(self._results)

    def _repr_latex_(self) -> str:
        """What a notebook that is printed shows."""
        from attncli.views.notebook import printed_results

        return printed_results(self._results)


class Offers(Tables):
    """The base of a result: what it can be turned into."""

    __slots__ = ()

    def __repr__(self: Any) -> str:
        from attncli.results.tables import one_line

        return one_line(self)

    @property
    def _results(self) -> Any:
        return [self]

    def matrix(self: Any, layer: int | None = None, head: int | None = None) -> "Float32Array":
        """The weights of one head, (n_tokens, n_keys): rows are queries, columns are keys.

        `layer` and `head` are numbers in the model, counted from 0; −1 is the last. Without them it
        is the last layer, and the mean of its heads. Raises: UsageError for one that is not there.

        >>> from attncli import explain
        >>> explain("money bank grows").matrix().shape
        (3, 3)
        """
        from attncli.results.tables import matrix_of

        return matrix_of(self, layer, head)

    def head_map(self: Any) -> "HeadMap":
        """One number a head, for every layer: what each looks at, and its entropy.

        A notebook shows it; `to_pandas` makes a table of it, `values["first"]` is the matrix of one.
        `layers` and `heads` say what they are called.

        >>> from attncli import explain
        >>> explain("money bank grows", heads=2).head_map()
        HeadMap('money bank grows', 1 × 2 heads)
        """
        from attncli.insight.heads import head_map

        return head_map(self)

    def to_xarray(self: Any) -> "xarray.DataArray":
        """The weights with named axes (layer, head, query, key) and the words as coordinates.

        Words may occur twice. Raises: MissingExtraError where xarray is not installed.
        """
        from attncli.results.tables import named_array

        return named_array(self)

    def plot(
        self: Any,
        *,
        ax: "Axes | None" = None,
        layer: int | None = None,
        head: int | None = None,
        palette: "Palette" = "viridis",
        numbers: bool | None = None,
    ) -> "Axes":
        """The matrix as a heat map of matplotlib on `ax`, or on a figure of its own.

        `layer` and `head` as `matrix` takes them. Colors are on the scale 0 to 1; `numbers` stand in
        the cells of up to 16 words, unless it says otherwise. The figure is that of the axes.
        Raises: MissingExtraError where matplotlib is not installed, UsageError.
        """
        from attncli.views.plot import plotted_heat_map

        weights = self.matrix(layer, head)
        return plotted_heat_map(self, weights, (layer, head), ax, palette, numbers)
