"""How well labels were predicted: the figures, the recall of each label, what was taken for what."""

from collections.abc import Mapping, Sequence

from rich.segment import Segment

from attncli.views.ink import Ink, Line, left, width_of, wrapped

_LABEL = 28  # columns of a label at most
_RECALL = 8


def figure_lines(figures: Mapping[str, float], ink: Ink) -> list[Line]:
    """The figures, one a line: `accuracy  0.9474`."""
    wide = max(len(name) for name in figures)
    return [
        [ink.bold(left(name, wide)), Segment(f"  {value:.4f}")] for name, value in figures.items()
    ]


def report_lines(
    report: Mapping[str, Sequence[float]],
    averages: Mapping[str, Sequence[float]],
    ink: Ink,
    *,
    most: int | None = None,
) -> list[Line]:
    """Precision, recall, F1 and number of sentences of each label, then of the averages.

    With `most` only so many labels have a line: those with the lowest F1.
    """
    ranked = sorted(report, key=lambda label: report[label][2])
    left_out = [] if most is None else ranked[most:]
    rows = {label: scores for label, scores in report.items() if label not in left_out}
    shown = [ink.word(label, _LABEL) for label in rows]
    wide = max(map(width_of, (*shown, *averages)))
    lines: list[Line] = [
        [ink.dim(f"{'':{wide}}  precision  recall      F1  sentences")],
        *([Segment(_report(left(s, wide), rows[x]))] for s, x in zip(shown, rows, strict=True)),
    ]
    if left_out:
        lines.append([ink.dim(f"… and {len(left_out)} labels with a higher F1")])
    return lines + [[ink.bold(_report(left(x, wide), averages[x]))] for x in averages]


def _report(name: str, scores: Sequence[float]) -> str:
    precision, recall, f1, support = scores
    return f"{name}  {precision:>9.3f}  {recall:>6.3f}  {f1:>6.3f}  {support:>9,}"


def confusion_lines(
    confusion: Mapping[str, Mapping[str, int]],
    recall: Mapping[str, float],
    ink: Ink,
    *,
    width: int = 80,
) -> list[Line]:
    """Each label with its recall, and how often it was taken for which (columns, numbered as rows).

    A table too wide for `width` becomes one line a label, with its mistakes in words.
    """
    labels = sorted({*confusion, *(said for row in confusion.values() for said in row)})
    shown = [ink.word(label, _LABEL) for label in labels]
    name = max(map(width_of, shown))
    most = max((n for row in confusion.values() for n in row.values()), default=0)
    cell = max(len(str(most)), len(str(len(labels)))) + 1
    index = len(str(len(labels)))
    if index + name + _RECALL + 3 + cell * len(labels) > width:
        return _listed(labels, confusion, recall, ink, width)
    lines: list[Line] = [_head(labels, ink, index + name + 1, cell)]
    for number, label in enumerate(labels, start=1):
        row = confusion.get(label, {})
        total = max(1, sum(row.values()))
        line = [Segment(f"{number:>{index}} {left(shown[number - 1], name)}")]
        line.append(Segment(f"{_recall(recall, label):>{_RECALL}}  "))
        line += [ink.weight(f"{row.get(x, 0):>{cell}}", row.get(x, 0) / total) for x in labels]
        lines.append(line)
    return lines


def _head(labels: Sequence[str], ink: Ink, indent: int, cell: int) -> Line:
    numbers = "".join(f"{number:>{cell}}" for number in range(1, len(labels) + 1))
    return [ink.dim(f"{'recall':>{indent + _RECALL}}  {numbers}")]


def _listed(
    labels: Sequence[str],
    confusion: Mapping[str, Mapping[str, int]],
    recall: Mapping[str, float],
    ink: Ink,
    width: int,
) -> list[Line]:
    lines: list[Line] = [[ink.dim("recall  right  label: what it was taken for")]]
    for label in labels:
        row = confusion.get(label, {})
        right, total = row.get(label, 0), sum(row.values())
        wrong = [f"{ink.word(said, _LABEL)} ×{n}" for said, n in row.items() if said != label]
        text = f"{_recall(recall, label):>6}  {f'{right}/{total}':>5}  {ink.word(label, _LABEL)}"
        text += f": {', '.join(wrong)}" if wrong else ""
        lines += [[Segment(part)] for part in wrapped(text, width, 15)]
    return lines


def _recall(recall: Mapping[str, float], label: str) -> str:
    return f"{recall[label]:.3f}" if label in recall else "–"
