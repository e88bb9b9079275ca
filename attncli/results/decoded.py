"""The results that an encoder's result holds beside its own: of its decoder, and across."""

from collections.abc import Callable
from dataclasses import replace

from attncli.results.result import AttentionResult
from attncli.settings import Which as Which  # the names of these parts and of the encoder


def on_each_part(
    result: AttentionResult, change: Callable[[AttentionResult], AttentionResult]
) -> AttentionResult:
    """The result changed, and each of its parts with it; the result itself where nothing changed."""
    decoder, cross = result.decoder, result.cross
    if decoder is None or cross is None:
        return change(result)
    alone = replace(result, decoder=None, cross=None)
    changed, of_decoder, of_cross = (change(part) for part in (alone, decoder, cross))
    if changed is alone and of_decoder is decoder and of_cross is cross:
        return result
    return replace(changed, decoder=of_decoder, cross=of_cross)
