"""Compares an interrupted run with the one that the options describe, and says what to do."""

import json
from typing import Any

from attncli.errors import OutputError, ResumeError, field_name, setting
from attncli.errors.wording import visible


def check_identity(earlier: dict[str, Any] | None, wanted: dict[str, Any], place: str) -> None:
    """Raises: ResumeError when the options describe another run than the interrupted one."""
    if earlier is None:
        raise ResumeError(
            "the journal of the earlier run is damaged", place=place, hints=(start_again(),)
        )
    other = [name for name in sorted({*earlier, *wanted}) if earlier.get(name) != wanted.get(name)]
    if not other:
        return
    options = _differing(earlier.get("options"), wanted.get("options"))
    if other == ["options"] and "format" in options and _is_older(earlier, wanted):
        message = (
            "an earlier attn began this output, in another layout; expected that attn to end it"
        )
        hints: tuple[str, ...] = (start_again(),)
    else:
        vectors = _differing(earlier.get("vectors"), wanted.get("vectors"), "vectors")
        said = "; ".join([*options.values(), *vectors.values()])[:200]
        message = f"the earlier run had other {' and '.join(other)}, expected the same"
        message += f" ({said})" if said else ""
        hints = (start_again(),)
        if other == ["options"] and list(options) == ["reading.comments"]:
            hints = (
                _as_begun(every_line=not earlier["options"]["reading"].get("comments")),
                start_again(),
            )
    raise ResumeError(message, place=place, hints=hints)


def unfinished_run(place: str) -> OutputError:
    """The error for an output that was begun, where it is not said what becomes of it."""
    return OutputError(
        "an unfinished run of this output is here",
        place=place,
        hints=(f"{setting(resume=True)} continues it", start_again()),
    )


def start_again() -> str:
    """The way out of an earlier run: `resume` goes on with it, also where `force` is given."""
    return f"{setting(force=True)} alone starts again from the first line"


def _as_begun(*, every_line: bool) -> str:
    if every_line:
        on = setting(resume=True, every_line=True)
        return f"{on} goes on as it began, with a record for every line"
    return f"{setting(resume=True)} without {field_name('every_line')} goes on as it began"


def _differing(earlier: Any, wanted: Any, outer: str = "") -> dict[str, str]:
    """The options that differ, each with what it was and what it is now."""
    if not (isinstance(earlier, dict) and isinstance(wanted, dict)):
        if earlier == wanted or not outer:
            return {}
        return {outer: f"{outer} was {_shown(earlier)}, now {_shown(wanted)}"}
    listed: dict[str, str] = {}
    for name in sorted({*earlier, *wanted}):
        inner = f"{outer}.{name}" if outer else str(name)
        listed |= _differing(earlier.get(name), wanted.get(name), inner)
    return listed


def _is_older(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a part is of the same format, laid out as an earlier version did it."""
    old, new = (str(job["options"].get("format")) for job in (found, wanted))
    return old.partition(" ")[0] == new.partition(" ")[0]


def _shown(value: Any) -> str:
    return visible(json.dumps(value, ensure_ascii=False))[:60]
