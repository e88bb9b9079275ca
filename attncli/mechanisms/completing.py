"""A language model goes on with a text: whether it can, and the pieces that it adds."""

from attncli.errors import LimitError, UsageError, field_name
from attncli.mechanisms.transformer_reading import at_most
from attncli.models.continuing import continued
from attncli.models.model import TransformerModel
from attncli.models.pieces import Pieces, PieceTokenizer
from attncli.models.writing_rules import read_writing_rules
from attncli.models.written import spelled_on
from attncli.results.facts import ResultWarning
from attncli.settings import MOST_WRITTEN


def expect_a_writer(model: TransformerModel, count: int, pair: str | None) -> None:
    """Raises: UsageError where a model is to go on with a text and cannot, or by no token."""
    place = field_name("complete")
    if not 1 <= count <= MOST_WRITTEN:
        raise UsageError(f"found {count}, expected 1 to {MOST_WRITTEN}", place=place)
    if pair is not None:
        raise UsageError(f"found {field_name('pair')} too, expected one of them", place=place)
    if (target := model.config.target) is not None:
        if model.decoder is None or model.decoder.head() is None:
            raise UsageError(f"the decoder of {model.name} was saved without its head", place=place)
        if count >= target.max_tokens:
            raise LimitError(
                f"{count} tokens, the decoder of {model.name} writes at most {target.max_tokens - 1}",
                place=place,
            )
        return
    if not model.config.causal:
        why = "in which every token sees all"
    elif model.head is None:
        why = "that was saved without its head"
    else:
        return
    raise UsageError(
        f"{model.name} is a model {why}, expected a causal language model", place=place
    )


def with_completion(
    model: TransformerModel,
    tokenizer: PieceTokenizer,
    text: str,
    pieces: Pieces,
    count: int,
    limit: int,
) -> tuple[str, Pieces, list[ResultWarning]]:
    """A text with up to `count` tokens that the model writes after it, and a note where it ends early.

    Raises: LimitError when it would be longer than `limit` tokens; NumericError, DataError.
    """
    n = len(pieces.ids)
    if n + count > limit:
        raise LimitError(
            f"{n} tokens and {count} more, {at_most(model, limit)}",
            place=field_name("complete"),
        )
    more = continued(model, pieces.ids, count, read_writing_rules(model.folder, model.config, n))
    added = spelled_on(tokenizer, text, pieces.ids, more.ids)
    whole = Pieces(
        (*pieces.pieces, *added.pieces),
        (*pieces.ids, *more.ids),
        (*pieces.types, *(0 for _ in more.ids)),
    )
    if not more.has_ended:
        return text + added.text, whole, []
    message = f"{model.name} ended its text after {len(more.ids)} of {count} tokens"
    return text + added.text, whole, [ResultWarning("text-ended", message)]
