"""`attn schema`."""

from pathlib import Path

from attncli.cli.terminal import write


def schema() -> None:
    """Print the JSON Schema of all that attn prints as JSON.

    \b
    Examples:
      attn schema
      attn schema > record.schema.json
    """
    path = Path(__file__).parents[1] / "results" / "record.schema.json"
    write(path.read_text(encoding="utf-8"))
