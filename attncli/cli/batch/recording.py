"""What is kept of a batch beside its output: its log as it goes, its summary at the end."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from attncli import __version__
from attncli.cli.batch.log import RunLog, utc_now
from attncli.cli.batch.options import LogLevel, RecordOptions
from attncli.cli.footer import made_by
from attncli.cli.running import listen, remember_arguments
from attncli.cli.terminal import message, report, spoken
from attncli.errors import AttnError, LockedError, OutputError, UsageError, field_name
from attncli.errors.wording import harmless_json, without_secrets
from attncli.files.apart import expect_beside, expect_writable, files_given, written
from attncli.files.writing import ended_by_signals, write_whole
from attncli.results.batch_report import Tally

if TYPE_CHECKING:
    from attncli.files.apart import OutputFile
    from attncli.results.batch_report import WrittenChunk

_LEVELS: dict[str, LogLevel] = {"note": "info", "hint": "info", "warning": "warning"}
_PROGRESS = 60.0  # seconds between two lines that say how far it is


class _Nobody:
    """Hears nothing."""

    def hear(self, kind: str, text: str, code: str) -> bool:
        return True

    def end(self, code: int) -> int:
        return code


class Recording:
    """Hears what a batch says, follows its chunks, and writes its log and its summary.

    With `silent`, stderr is told of errors alone.
    """

    def __init__(
        self, log: RunLog | None, summary: str | None, facts: dict[str, Any], *, silent: bool
    ) -> None:
        self._log = log
        self._summary = summary
        self._facts = facts
        self._silent = silent
        self._begun = self._told = time.monotonic()
        self._started = utc_now()
        self._before = self._total = Tally()
        self._failures: Counter[str] = Counter()
        self._last = ""  # the kind of the message before this one
        self._error: str | None = None

    @property
    def is_logged(self) -> bool:
        """Whether there is a log, which has what stderr is not told."""
        return self._log is not None

    def start(self) -> None:
        """Says in the log what runs, and listens."""
        self._write("info", "start", self._facts["command"], self._facts)
        listen(self)

    def hear(self, kind: str, text: str, code: str) -> bool:
        """Notes a message; whether stderr is to have it."""
        if kind != "hint":
            self._last = kind
        level = _LEVELS.get(kind, "error")
        if level == "error" and kind != "traceback":
            self._error = spoken(text)
        if not (kind == "warning" and text in self._total.first_failures):  # each has its line
            event = kind.replace(" ", "-")
            self._write(level, event, spoken(text), {"code": code} if code else {})
        return not self._silent or bool(code) or _LEVELS.get(self._last, "error") == "error"

    def begun(self, done: Tally) -> None:
        """Notes what an earlier run did."""
        self._before = self._total = done
        if done.records:
            text = f"goes on behind {done.records:,} sentences of an earlier run"
            self._write("info", "resume", text, {"sentences": done.records})

    def written(self, chunk: "WrittenChunk", total: Tally) -> None:
        """Notes a chunk, and each of its lines that was set aside."""
        self._total = total
        tally = chunk.tally
        for aside in tally.set_aside:
            self._failures[aside.code] += 1
            facts = {"file": aside.place, "line": aside.line, "code": aside.code}
            self._write(
                "warning", "set-aside", spoken(str(aside)), {**facts, "chunk": chunk.number}
            )
        text = f"chunk {chunk.number}: {tally.records:,} sentences, {tally.failed:,} set aside"
        facts = {"chunk": chunk.number, "sentences": tally.records, "failed": tally.failed}
        facts |= {"bytes": chunk.length, "worker": chunk.worker}
        if chunk.deaths:
            text += f"; it ended its worker {chunk.deaths} times"
            facts["deaths"] = chunk.deaths
        self._write("warning" if chunk.deaths else "debug", "chunk", text, facts)
        self._say_how_far()

    def end(self, code: int) -> int:
        """Writes the summary and the last line of the log; the code to end with.

        Where another run works on the output, the summary is likely its own, and is left alone.
        """
        seconds = time.monotonic() - self._begun
        if self._summary is not None and code != LockedError.exit_code:
            try:
                write_whole(self._summary, _as_lines(self._summed_up(code, seconds)))
            except OutputError as error:
                report(error)
                code = code or error.exit_code
        level: LogLevel = {0: "info", 3: "warning"}.get(code, "error")  # type: ignore[assignment]
        sentences = self._sentences()
        text = f"ended with {code}: {sentences['done']:,} done, {sentences['failed']:,} set aside"
        facts = {"exit_code": code, "sentences": sentences, "seconds": round(seconds, 3)}
        self._write(level, "end", text, facts)
        return code

    def _say_how_far(self) -> None:
        now = time.monotonic()
        if now - self._told >= _PROGRESS:
            self._told = now
            done = self._total.records
            self._write("info", "progress", f"{done:,} sentences", {"sentences": done})

    def _sentences(self) -> dict[str, int]:
        total = self._total
        return {
            "read": total.records,
            "done": total.records - total.failed,
            "failed": total.failed,
            "skipped": self._before.records,
        }

    def _summed_up(self, code: int, seconds: float) -> dict[str, Any]:
        new = self._total.records - self._before.records
        return {
            **self._facts,
            "started": self._started,
            "ended": utc_now(),
            "seconds": round(seconds, 3),
            "sentences": self._sentences(),
            "rate": round(new / seconds, 1) if seconds > 0 else 0.0,
            "warnings": dict(sorted(self._total.warnings.items())),
            "failures": dict(sorted(self._failures.items())),
            "exit_code": code,
            "error": self._error if code else None,
        }

    def _write(self, level: LogLevel, event: str, text: str, facts: dict[str, Any]) -> None:
        if self._log is not None and (why := self._log.write(level, event, text, facts)):
            message("warning", why)


def _as_lines(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, indent=2)
    return "".join(harmless_json(line) + "\n" for line in text.split("\n")).encode()


@contextmanager
def recorded(
    options: RecordOptions,
    inputs: Sequence[str],
    outputs: "Sequence[OutputFile]",
    read: Iterable[str | None],
    *,
    running: dict[str, Any],
    silent: bool,
) -> Iterator[Recording | None]:
    """Keeps the records that the options ask for, of what is done inside; None for none.

    `inputs` and the first of the `outputs` are named in them; `read` are all files that may be read, which are left alone.
    Raises: UsageError, OutputError.
    """
    if not options:
        yield None
        return
    facts = {
        "input": [without_secrets(name) for name in inputs],
        "output": without_secrets(outputs[0].path) if outputs else None,
        **running,
    }
    try:
        recording = _opened(options, outputs, read, facts, silent=silent)
    except AttnError:
        listen(_Nobody())  # nor is this refusal written to a file that is somebody's
        raise
    with ended_by_signals("SIGTERM", "SIGHUP"):
        recording.start()
        yield recording


def record_refusal(arguments: Sequence[str], code: int) -> int:
    """Keeps the records of a command line that was refused before its options were read."""
    options = RecordOptions(
        _value_of("--log-file", arguments), None, _value_of("--summary", arguments)
    )
    values = [value for value in (options.log_file, options.summary) if value is not None]
    if values and all(arguments.count(value) < 2 for value in values):
        remember_arguments(arguments)
        facts: dict[str, Any] = {
            "input": [],
            "output": None,
            "engine": None,
            "workers": None,
            "resume": False,
        }
        others = [name for name in arguments if name not in (options.log_file, options.summary)]
        read = [*others, *(name.partition("=")[2] for name in others if name[:1] == "-")]
        with suppress(AttnError):  # said is what was wrong first
            recording = _opened(options, (), read, facts, silent=False)
            recording.start()
            return recording.end(code)
    return code


def _value_of(name: str, arguments: Sequence[str]) -> str | None:
    """The value of an option, as far as it can be read."""
    value = None
    for place, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == name and place + 1 < len(arguments):
            value = arguments[place + 1]
        elif argument.startswith(f"{name}="):
            value = argument.partition("=")[2]
    return value


def _opened(
    options: RecordOptions,
    outputs: "Sequence[OutputFile]",
    read: Iterable[str | None],
    facts: dict[str, Any],
    *,
    silent: bool,
) -> Recording:
    log, summary = options.log_file, options.summary
    for name, path in (("log_file", log), ("summary", summary)):
        if path == "-":
            raise UsageError('found "-", expected a file', place=field_name(name))
    files = written("summary", summary)
    expect_beside([*written("log_file", log), *files], outputs, files_given(read))
    expect_writable(files, ())
    opened = None if log is None else RunLog(log, options.log_level or "info")
    whole = {"command": made_by(log or summary), "version": __version__, **facts}
    return Recording(opened, summary, whole, silent=silent and opened is not None)
