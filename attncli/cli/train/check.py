"""`attn train --check-grad`: each gradient beside central differences."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from attncli.cli.terminal import write, write_json
from attncli.cli.train.report import json_line

if TYPE_CHECKING:
    from attncli.training.examples import Prepared
    from attncli.training.fit import Sizes


def prove(prepared: "Prepared", sizes: "Sizes", seed: int, json: bool) -> None:
    """Prints how each gradient agrees. Raises: NumericError when one does not."""
    from attncli.training.gradient_check import checked_gradients

    for checked in checked_gradients(prepared, sizes.architecture, seed):
        verdict = "agrees" if checked.agrees else "differs"
        if json:
            write_json(json_line({**asdict(checked), "agrees": checked.agrees}))
        else:
            shape = "×".join(map(str, checked.shape))
            write(
                f"d_{checked.name:<15} {shape:<12} {checked.entries:>4} entries  "
                f"worst difference {checked.difference:.1e}  {verdict}\n"
            )
