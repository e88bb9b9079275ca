"""A file of vectors as a source: where it is, how it is read, and by what it is known again."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attncli.files.limits import Limits
from attncli.files.member import split_member

if TYPE_CHECKING:
    from attncli.embeddings.readers.any_format import ReadOptions


@dataclass(frozen=True, slots=True)
class VectorsSource:
    """A path (with a member of an archive, if one is named) and how to read it.

    `selection` tells which words of it are kept, in words that differ when the choice does. `limits`
    are no part of what it is known by: they do not change what is read. What was `fetched` (from
    where, and its SHA-256) is known by its content; its file does not stay. What was `trained` here is
    known by its SHA-256, and has no file.
    """

    path: str
    format: str | None = None
    encoding: str = "utf-8"
    byte_order: str = "little"
    skip_bad: bool = False
    selection: str = ""
    limits: Limits = Limits()  # noqa: RUF009  (frozen)
    fetched: tuple[str, str] | None = None
    trained: str | None = None

    @property
    def name(self) -> str:
        """How results name these vectors: the name of the file."""
        return Path(self.path).name or self.path

    @property
    def has_no_file(self) -> bool:
        """Whether the vectors came from no file that stays."""
        return self.fetched is not None or self.trained is not None

    def options(self) -> "ReadOptions":
        """The options of the readers."""
        from attncli.embeddings.readers.any_format import ReadOptions

        return ReadOptions(
            format=self.format,
            encoding=self.encoding,
            byte_order=self.byte_order,
            skip_bad=self.skip_bad,
            limits=self.limits,
        )

    def key(self) -> str | None:
        """What names the file as it is now, or None when it cannot be known again."""
        from attncli.embeddings.cache.keys import key_of, key_of_content, options_text

        file, member = split_member(self.path)
        facts = {**self.facts(), "path": None, "member": member}
        del facts["limits"], facts["fetched"], facts["trained"]
        if self.trained is not None:
            return key_of_content(self.name, self.trained, options_text(facts))
        if self.fetched is not None:
            return key_of_content(self.name, self.fetched[1], options_text(facts))
        return key_of(file, options_text(facts))

    def facts(self) -> dict[str, Any]:
        """This source as plain data, to be kept with a name."""
        return {**asdict(self), "limits": self.limits._asdict()}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "VectorsSource":
        """The source that `facts` gave. Raises: TypeError, ValueError for other data."""
        limits, fetched = facts.get("limits", {}), facts.get("fetched")
        if not isinstance(limits, dict) or not all(map(_is_limit, limits.values())):
            raise TypeError("limits")
        if fetched is not None and not (
            isinstance(fetched, list) and list(map(type, fetched)) == [str, str]
        ):
            raise TypeError("fetched")
        origin = None if fetched is None else (fetched[0], fetched[1])
        source = cls(**{**facts, "limits": Limits(**limits), "fetched": origin})
        texts = [source.path, source.encoding, source.byte_order, source.selection]
        if not all(
            isinstance(text, str) for text in [*texts, source.format or "", source.trained or ""]
        ):
            raise TypeError("texts")
        return replace(source, skip_bad=bool(source.skip_bad))

    def origin(self) -> dict[str, str]:
        """Where the vectors came from, as an entry of the cache keeps it."""
        if self.fetched is not None:
            return {"source": self.fetched[0], "file_sha256": self.fetched[1]}
        return {"source": str(Path(self.path).absolute())}


def _is_limit(value: object) -> bool:
    return value is None or type(value) is bool or (type(value) is int and 0 <= value < 1 << 62)
