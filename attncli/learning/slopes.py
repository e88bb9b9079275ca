"""The gradients of a model's parameters, which are only ever added to."""

from attncli.arrays import FloatArray
from attncli.attention.parameters import Parameters
from attncli.attention.products import product


class Gradients:
    """One flat vector of sums, with a named view of each parameter's.

    All start at zero. What is added first is written in place of the zeros, which saves training
    the time to write them: 0 + x is x.
    """

    def __init__(self, sums: Parameters) -> None:
        self._sums = sums
        self._zeros: set[str] = set()  # names whose sum is zero, whatever their view still holds

    @classmethod
    def of(cls, parameters: Parameters) -> "Gradients":
        """Zeros of the shapes and the dtype of these parameters."""
        return cls(parameters.like())

    @property
    def flat(self) -> FloatArray:
        """All sums, in the order of the parameters' own vector."""
        for name in list(self._zeros):
            self._write_zeros(name)
        return self._sums.flat

    def __getitem__(self, name: str) -> FloatArray:
        self._write_zeros(name)
        return self._sums[name]

    def zero(self) -> None:
        """Starts all sums again at zero."""
        self._zeros = set(self._sums)

    def add(self, name: str, slope: FloatArray) -> None:
        """Adds a slope of the parameter's shape."""
        total = self._sums[name]
        if name in self._zeros:
            self._zeros.remove(name)
            total[...] = slope
        else:
            total += slope

    def add_product(self, name: str, left: FloatArray, right: FloatArray) -> None:
        """Adds left·right, of the parameter's shape."""
        if name in self._zeros:
            self._zeros.remove(name)
            product(left, right, out=self._sums[name])
        else:
            self.add(name, product(left, right))

    def part(self, shapes: dict[str, tuple[int, ...]], members: slice, heads: slice) -> "Gradients":
        """The sums of some members and their heads: what is added to them is added to the whole."""
        for name in list(self._zeros):
            self._write_zeros(name)
        return Gradients(self._sums.part(shapes, members, heads))

    def _write_zeros(self, name: str) -> None:
        if name in self._zeros:
            self._zeros.remove(name)
            self._sums[name][...] = 0
