"""What options did to the sentences of a batch: noted where results are made, told at the end."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from attncli.results.facts import ResultWarning
from attncli.results.predicted import NEXT
from attncli.results.stack import Stack

OTHERS = ""  # stands for hidden tokens that no option names as they are shown
HOLDS = "holds "  # begins the act of a field that was asked for


@dataclass(frozen=True, slots=True)
class Watch:
    """Options whose effect shows only in results: `names` to hide, and `acts` to look for.

    An act is "merged", "pooled", "random", or "holds " and a field that was asked for. `counts`:
    kinds of warnings are counted too, and records that are set aside are listed.
    """

    names: frozenset[str] = frozenset()
    acts: frozenset[str] = frozenset()
    counts: bool = False

    def __bool__(self) -> bool:
        return bool(self.names or self.acts)

    def seen(self, stacks: Iterable[Stack]) -> frozenset[str]:
        """The names and acts that show in these results; a name begins with "hide "."""
        seen = set[str]()
        asked = {act: act.removeprefix(HOLDS) for act in self.acts if act.startswith(HOLDS)}
        for stack in stacks:
            seen.update(act for act, name in asked.items() if act not in seen and _has(stack, name))
            for selection in _selections(stack):
                for name in selection.get("hidden", ()):
                    seen.add(f"hide {name if name in self.names else OTHERS}")
                if selection.get("merged"):
                    seen.add("merged")
                if selection.get("heads_pooled") or selection.get("layers_pooled"):
                    seen.add("pooled")
            if "random" in self.acts and "random" not in seen and _has_random(stack):
                seen.add("random")
        return frozenset(seen)

    @staticmethod
    def warnings(stacks: Iterable[Stack]) -> dict[str, int]:
        """How often each kind of warning stands in these results."""
        return dict(
            Counter(
                warning.code
                for stack in stacks
                for warnings in (*stack.warnings.values(), _of_decoder(stack))
                for warning in warnings
            )
        )

    def every(self) -> frozenset[str]:
        """All names and acts, which a sentence without a result is taken to have: nobody knows.

        What is held is left out: it is what makes results that says it, and not a sentence.
        """
        of_words = {act for act in self.acts if not act.startswith(HOLDS)}
        return frozenset(of_words | {f"hide {name}" for name in self.names})


NO_WATCH = Watch()  # no option waits for its effect


def _selections(stack: Stack) -> list[Mapping[str, Any]]:
    """What was chosen of the results of a stack, of a decoder's parts too."""
    result = stack.finished
    parts = (stack,) if result is None else (result, result.decoder, result.cross)
    return [part.selection for part in parts if part is not None and part.selection]


def _of_decoder(stack: Stack) -> tuple[ResultWarning, ...]:
    """The warnings of the text that a decoder reads beside an encoder."""
    decoder = None if stack.finished is None else stack.finished.decoder
    return () if decoder is None else decoder.warnings


def _has(stack: Stack, name: str) -> bool:
    """Whether any sentence of a stack has something in a field that is there on request."""
    if stack.finished is not None:
        return stack.finished.holds(name)
    if name == NEXT:
        return any(model.predicts for model in stack.models or ())
    return name in stack.extras


def _has_random(stack: Stack) -> bool:
    if stack.finished is not None:
        return any(token.status == "random" for token in stack.finished.tokens)
    return any(part.status == "random" for run in stack.tokens for part in run.parts)
