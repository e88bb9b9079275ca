"""Files, members of zip archives, streams and URLs → blocks of bytes, unpacked.

What an input is packed in (gzip, bzip2, xz, zstd, zip) is seen from its first bytes, not from its
name. An input that shrinks or changes while it is read is told: nothing of it passes for whole.
"""

import hashlib
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from glob import glob, has_magic
from typing import Any, BinaryIO

from attncli.errors import DataError, InputError, LimitError, MissingExtraError, UsageError, setting
from attncli.errors.wording import visible
from attncli.files.unpacked_blocks import DAMAGE, Counted, packing_of_start, unpacked_blocks
from attncli.files.zipped import split_zip_member

_MOST_HELD = 1 << 30  # bytes of a stream that must be held whole


@dataclass(slots=True)
class InputSource:
    """One input: `path` as given ("-" is standard input), read once from start to end.

    `read` counts the bytes taken from the file itself, packed or not.
    """

    path: str
    name: str
    stdin: Callable[[], BinaryIO] | None = None
    _raw: Counted | None = field(default=None, repr=False)
    _promised: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def read(self) -> int:
        """How many bytes of the input were taken so far."""
        return 0 if self._raw is None else self._raw.count

    @property
    def file(self) -> str | None:
        """The path of the local file that is read, None for a stream or a URL."""
        if self.path == "-" or is_url(self.path):
            return None
        return split_zip_member(self.path)[0]

    def blocks(self) -> Iterator[bytes]:
        """The bytes of the input, unpacked.

        Raises: InputError, DataError (damaged, or no longer what it was), MissingExtraError.
        """
        with self._opened() as stream:
            size = _size(stream)
            raw = self._raw = Counted(stream, hashed=self._promised is not None)
            try:
                yield from unpacked_blocks(
                    raw, self.name, self.file, split_zip_member(self.path)[1]
                )
                self._check_unchanged(raw, size)
            except DAMAGE:
                self._check_unchanged(raw, size)
                raise self._damaged() from None
            except OSError as fault:
                if fault.errno is None:  # what bz2 raises
                    raise self._damaged() from None
                raise InputError(f"cannot read: {reason_of(fault)}", place=self.name) from None

    def identity(self) -> dict[str, Any] | None:
        """What this input holds, or None when it can be read only once.

        From then on it is held to it: another content is an error at the end of `blocks`.
        """
        path = self.file
        if path is None or not os.path.isfile(path):  # noqa: PTH113 - never raises
            return None
        try:
            with open(path, "rb") as stream:  # noqa: PTH123 - likewise
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as fault:
            raise InputError(f"cannot read: {reason_of(fault)}", place=self.name) from None
        self._promised = {"sha256": digest}
        return self._promised

    def seekable(self, blocks: Iterator[bytes]) -> BinaryIO:
        """The input as something to jump about in; what is no plain file is held in memory.

        Raises: LimitError when it is too large for that.
        """
        path = self.file
        if path is not None and os.path.isfile(path):  # noqa: PTH113 - never raises
            stream = open(path, "rb")  # noqa: PTH123, SIM115 - the caller closes it
            if packing_of_start(stream.read(10)) is None:
                stream.seek(0)
                return stream
            stream.close()
        held = io.BytesIO()
        for block in blocks:
            if held.write(block) and held.tell() > _MOST_HELD:
                raise LimitError(
                    f"more than {_MOST_HELD >> 20} MiB of Parquet in a stream, expected a file",
                    place=self.name,
                )
        held.seek(0)
        return held

    def _check_unchanged(self, raw: Counted, size: int | None) -> None:
        """Raises: DataError when fewer bytes came than there were, or others than were promised."""
        if size is None:
            return
        raw.drain()
        if raw.count < size:
            raise DataError(
                f"the file shrank while it was read: {raw.count:,} of {size:,} bytes came",
                place=self.name,
            )
        if self._promised is not None and raw.digest != self._promised["sha256"]:
            raise DataError(
                "the file changed while it was read: its bytes are not those it had at the start",
                place=self.name,
                hints=(f"{setting(force=True)} starts again, with the file as it is now",),
            )

    def _opened(self) -> AbstractContextManager[Any]:
        if self.path == "-":  # not ours to close
            return nullcontext(self.stdin() if self.stdin is not None else io.BytesIO())
        if is_url(self.path):
            opened: AbstractContextManager[Any] = open_url(self.path, "rb")
            return opened
        try:
            return open(self.file or "", "rb", buffering=0)  # noqa: PTH123 - FIFOs open once
        except OSError as fault:
            raise InputError(f"cannot open: {reason_of(fault)}", place=self.name) from None
        except ValueError:  # a NUL in the name
            raise InputError("cannot open: no such file", place=self.name) from None

    def _damaged(self) -> DataError:
        return DataError("the compressed data is damaged or ends early", place=self.name)


def bytes_of_stdin() -> BinaryIO:
    """Standard input as bytes; an empty stream when it is closed."""
    return io.BytesIO(b"") if sys.stdin is None else sys.stdin.buffer


def source_of(path: str, stdin: Callable[[], BinaryIO] | None = None) -> InputSource:
    """The input of one path; "-" is standard input."""
    shown = visible(path)
    shown = shown if len(shown) <= 120 else f"{shown[:80]}…{shown[-30:]}"
    return InputSource(path, "<stdin>" if path == "-" else shown, stdin)


def sources(paths: Sequence[str], stdin: Callable[[], BinaryIO]) -> list[InputSource]:
    """The inputs of the paths; a pattern such as "part-*.txt" stands for the files it matches.

    Raises: InputError when a pattern matches nothing.
    """
    listed: list[InputSource] = []
    for path in paths:
        if path == "-" or is_url(path) or not has_magic(path) or os.path.exists(path):  # noqa: PTH110
            names = [path]
        else:
            names = sorted(glob(path))  # noqa: PTH207 - absolute patterns too
            if not names:
                raise InputError("no file has such a name", place=visible(path)[:200])
        listed += [source_of(name, stdin) for name in names]
    return listed


def expect_no_url(path: str, place: str) -> None:
    """Raises: UsageError for the address of a file elsewhere."""
    if is_url(path):
        raise UsageError(
            "this is an address, expected a file: attn reads local files only; download it first",
            place=place,
        )


def is_url(path: str) -> bool:
    """Whether a path names something for fsspec: "s3://…", "memory://…"; one letter is a drive."""
    scheme, separator, _ = path.partition("://")
    return (
        bool(separator) and len(scheme) > 1 and scheme.replace("+", "").replace("-", "").isalnum()
    )


def open_url(url: str, mode: str) -> Any:
    """A file behind a URL. Raises: MissingExtraError, InputError."""
    fsspec = require_fsspec(url)
    try:
        return fsspec.open(url, mode).open()
    except ImportError as fault:
        raise InputError(f"cannot open: {fault}"[:200], place=visible(url)[:200]) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as fault:
        raise InputError(
            f"cannot open: {reason_of(fault)}"[:200], place=visible(url)[:200]
        ) from None


def require_fsspec(url: str) -> Any:
    """The package fsspec. Raises: MissingExtraError."""
    try:
        import fsspec
    except ImportError:
        raise MissingExtraError.of("fsspec", f"reading {visible(url)[:80]}") from None
    return fsspec


def reason_of(fault: Exception) -> str:
    """Why something failed, in words of the system."""
    return (getattr(fault, "strerror", None) or str(fault) or type(fault).__name__).lower()


def _size(stream: Any) -> int | None:
    """The size of an open regular file, None for what has none."""
    try:
        facts = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return None
    return facts.st_size if stat.S_ISREG(facts.st_mode) else None
