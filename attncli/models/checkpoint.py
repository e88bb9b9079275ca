"""A checkpoint folder as Hugging Face saves it: config.json beside one or more safetensors files.

Only JSON and safetensors are read. A folder that has only pickled weights (.bin, .pt, …) is
refused, because opening a pickle can run code.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from attncli.arrays import Float32Array
from attncli.errors import DataError, InputError, LimitError, RefusedError
from attncli.errors.wording import quoted, visible
from attncli.files.paths import exists
from attncli.files.tensors import FLOAT_DTYPES
from attncli.models.tensors import TensorFile, require_file

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_MAX_SHARDS = 4096
_LONGEST_NUMBER = 18  # digits; int() refuses thousands of them
_MAX_JSON = 64 * 1024 * 1024  # bytes of config.json or of an index
# The first BERT checkpoints call the two vectors of a layer norm gamma and beta.
_OLD_NAMES = (("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta"))


class StoredTensor(Protocol):
    """What a file says of a tensor."""

    @property
    def dtype(self) -> str:
        """How its numbers are stored."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""


class MappedTensors(Protocol):
    """A file of tensors by name; `shared` has names that stand for others."""

    path: Path
    place: str
    size: int
    shared: Mapping[str, str]

    @property
    def entries(self) -> Mapping[str, StoredTensor]:
        """The tensors by name."""

    def read(self, name: str, rows: Any = None) -> Float32Array:
        """A tensor as float32, or rows of it."""

    def expect_unchanged(self) -> None:
        """Raises: DataError when the file has changed its length."""


class Checkpoint:
    """The tensors of a checkpoint by name, mapped and read when they are used."""

    float_dtypes: Collection[str] = FLOAT_DTYPES
    sizes_in = "config.json"  # what says the shapes that are asked for
    keeps_layers = True  # whether a layer that was widened is worth the memory it takes

    def __init__(self, folder: Path, files: Sequence[MappedTensors]) -> None:
        self.folder = folder
        self.files = files
        self._file_of: dict[str, MappedTensors] = {}
        for file in self.files:
            for name in file.entries:
                if name in self._file_of:
                    raise DataError(
                        f"{quoted(name)} is also in {self._file_of[name].place}", place=file.place
                    )
                self._file_of[name] = file
        self._kept = {
            name: kept
            for file in self.files
            for name, kept in file.shared.items()
            if name not in self._file_of
        }
        self._asked: dict[str, str] = {}

    @classmethod
    def of_folder(cls, folder: Path) -> "Checkpoint":
        """The checkpoint of a folder as Hugging Face saves it."""
        checkpoint = cls(folder, [TensorFile(path) for path in weight_files(folder)])
        _check_index(folder, checkpoint._file_of)
        return checkpoint

    @property
    def names(self) -> list[str]:
        """The names of all tensors, as stored."""
        return list(self._file_of)

    @property
    def required(self) -> set[str]:
        """The names, as stored, of the tensors that were required."""
        return set(self._asked.values())

    def check(self) -> None:
        """Reads every required number. Raises: DataError for one that is not finite."""
        for name in self._asked:
            self.tensor(name)

    def expect_unchanged(self) -> None:
        """Raises: DataError when a mapped file has changed its length since it was opened."""
        for file in self.files:
            file.expect_unchanged()

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a stored tensor."""
        return self._file_of[name].entries[name].shape

    def dtype(self, name: str) -> str:
        """The dtype of a stored tensor, as safetensors calls it."""
        return self._file_of[name].entries[name].dtype

    def prefix(self, landmark: str) -> str:
        """What stands before `landmark` in the stored name, such as "bert." or nothing.

        Raises: DataError when no tensor ends in it, or several do.
        """
        if (stored := self.find(landmark)) is None:
            raise DataError(
                f"no tensor is called {quoted(landmark)}, expected one", place=self.place
            )
        return stored.removesuffix(landmark)

    def find(self, name: str) -> str | None:
        """The one stored name that is `name`, or ends in it after a dot; None where there is none.

        Raises: DataError for several.
        """
        every = (*self._file_of, *self._kept)
        matches = [stored for stored in every if stored == name or stored.endswith("." + name)]
        if len(matches) > 1:
            raise DataError(
                f"{len(matches)} tensors are called {quoted(name)}, expected one", place=self.place
            )
        return matches[0] if matches else None

    def has(self, name: str) -> bool:
        """Whether there is a tensor of this name, or of the one that it had in older files."""
        older = [name.removesuffix(new) + old for new, old in _OLD_NAMES if name.endswith(new)]
        return any(one in self._file_of or one in self._kept for one in (name, *older))

    def lies_as_float32(self, name: str) -> bool:
        """Whether a tensor that was required is used where it lies, without a copy."""
        return self.dtype(self._asked[name]) == "F32"

    def first(self, prefix: str, *names: str) -> str:
        """The first of these names under which a tensor is stored, the last where none is."""
        stored = (n for n in names if prefix + n in self._file_of or prefix + n in self._kept)
        return next(stored, names[-1])

    def require(self, prefix: str, expected: Iterable[tuple[str, tuple[int, ...]]]) -> None:
        """Checks that every tensor asked for is there, in the shape that the configuration says.

        Raises: DataError for the first that is missing, has another shape, or holds no floats.
        """
        for name, shape in expected:
            stored = self._stored_name(prefix + name)
            file = self._file_of[stored]
            entry = file.entries[stored]
            if entry.shape != shape:
                raise DataError(
                    f"{quoted(stored, 80)} is {_sizes(entry.shape)}, {self.sizes_in} asks for "
                    f"{_sizes(shape)}",
                    place=file.place,
                )
            if entry.dtype not in self.float_dtypes:
                raise DataError(
                    f"{quoted(stored, 80)} has the dtype {entry.dtype}, expected one of "
                    f"{', '.join(self.float_dtypes)}",
                    place=file.place,
                )
            self._asked[prefix + name] = stored

    def tensor(self, name: str, rows: Any = None) -> Float32Array:
        """A tensor that was required, as float32 (mapped where it is stored so), or rows of it."""
        stored = self._asked[name]
        return self._file_of[stored].read(stored, rows)

    def unpacked_bytes(self, start: str) -> int:
        """The bytes of the tensors whose names begin so, where each use unpacks them: here none does."""
        return 0

    def make_room(self, start: str) -> None:
        """Takes the memory for those: here none."""

    def no_layer_beyond(self, prefix: str, n_layers: int) -> None:
        """Raises DataError when there is a tensor `prefix`N… with N ≥ n_layers."""
        for name in self._file_of:
            number = name.removeprefix(prefix).partition(".")[0] if name.startswith(prefix) else ""
            is_number = number.isascii() and number.isdecimal()
            if is_number and (len(number) > _LONGEST_NUMBER or int(number) >= n_layers):
                raise DataError(
                    f"{quoted(name, 80)} belongs to layer {number[:20]}, but {self.sizes_in} says "
                    f"{n_layers} layers",
                    place=self._file_of[name].place,
                )

    @property
    def is_mapped(self) -> bool:
        """Whether every tensor that was required is used where it lies, without a copy."""
        return all(self.dtype(stored) == "F32" for stored in self._asked.values())

    @property
    def place(self) -> str:
        """The place for messages: the one file, or the folder of several."""
        return self.files[0].place if len(self.files) == 1 else visible(str(self.folder))

    def quantization(self, starts: Iterable[str]) -> str | None:
        """How matrices whose names begin so are quantized: here they are not."""
        return None

    def facts(self) -> dict[str, Any]:
        """What a file says of itself besides, as plain values: nothing here."""
        return {}

    def sha256(self) -> str:
        """SHA-256 of config.json and the weight files, in the order of their names."""
        import hashlib  # brings OpenSSL along, which a first look does not need

        digest = hashlib.sha256()
        for path in [self.folder / "config.json", *weight_files(self.folder)]:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()

    def _stored_name(self, name: str) -> str:
        if name in self._file_of:
            return name
        if name in self._kept:
            return self._kept[name]
        for new, old in _OLD_NAMES:
            older = name.removesuffix(new) + old
            if name.endswith(new) and older in self._file_of:
                return older
        raise DataError(f"the tensor {quoted(name, 80)} is missing", place=self.place)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises: InputError when it cannot be read; DataError when it is no JSON object; LimitError
    when it is larger than 64 MiB.
    """
    place = visible(str(path))
    require_file(path)
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_JSON + 1)
        if len(raw) > _MAX_JSON:
            raise LimitError(f"more than {_MAX_JSON >> 20} MiB of JSON", place=place)
        value = json.loads(raw.decode("utf-8-sig"))
    except OSError as fault:
        raise InputError(f"cannot open: {fault.strerror}", place=place) from None
    except (ValueError, RecursionError):
        raise DataError("this is no JSON", place=place) from None
    if not isinstance(value, dict):
        raise DataError("expected a JSON object", place=place)
    return value


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint folder: one, or the shards its index names.

    Raises: RefusedError when the weights are pickled; InputError when there are none; DataError
    when the index is damaged or names files elsewhere.
    """
    if exists(folder / SINGLE):
        return [folder / SINGLE]
    if exists(folder / INDEX):
        return _shards(folder)
    place = visible(str(folder))
    try:
        pickled = sorted(p.name for p in folder.iterdir() if p.suffix in _PICKLED)
    except OSError as fault:
        raise InputError(f"cannot open: {(fault.strerror or '').lower()}", place=place) from None
    if pickled:
        raise RefusedError(
            f"refused: its weights are pickled ({quoted(pickled[0])}), and opening a pickle can "
            f"run code; expected {SINGLE}",
            place=place,
            hints=["save it once with save_pretrained(…) of transformers 5, which writes it"],
        )
    raise InputError(f"no {SINGLE} in this folder", place=place)


def _shards(folder: Path) -> list[Path]:
    place = visible(str(folder / INDEX))
    weight_map = read_json(folder / INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise DataError("no weight_map in this index", place=place)
    names = sorted({name if isinstance(name, str) else "" for name in weight_map.values()})
    if len(names) > _MAX_SHARDS:
        raise LimitError(f"it names {len(names)} files, the limit is {_MAX_SHARDS}", place=place)
    for name in names:
        plain = Path(name).name == name and name.isprintable()
        if not plain or not name.endswith(".safetensors"):
            raise RefusedError(
                f"refused: it names the file {quoted(name)}, expected a safetensors file beside it",
                place=place,
            )
    return [folder / name for name in names]


def _check_index(folder: Path, file_of: Mapping[str, MappedTensors]) -> None:
    if exists(folder / SINGLE):
        return
    weight_map = read_json(folder / INDEX)["weight_map"]
    for name, file in weight_map.items():
        if name not in file_of or not file_of[name].place.endswith(visible(file)):
            raise DataError(
                f"{quoted(name, 80)} is not in {quoted(file)}, where the index puts it",
                place=visible(str(folder / INDEX)),
            )


def _sizes(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a single number"
