"""What a checkpoint folder states of itself besides the model: its license, and a chat template.

Both are named and never used: a template is code, which nothing here runs.
"""

import re
from pathlib import Path
from typing import Any

from attncli.errors import AttnError
from attncli.files.paths import exists, is_file
from attncli.models.tokenizer_files import json_object

_CARD, _HEAD = "README.md", 1 << 16  # bytes: of the card only what stands before its text is read
_STATED = re.compile(r"(license|license_name)[ \t]*:[ \t]*[\"']?([^\s\"'#\[\]{}][^\"'#\n]*)")
_LICENSE_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md")


def stated_facts(folder: Path) -> dict[str, Any]:
    """Its license and whether it has a chat template, as `attn model info` names them."""
    return {"license": stated_license(folder), "chat_template": has_chat_template(folder)}


def stated_license(folder: Path) -> str | None:
    """The license in the head of a model's card, or the file that has it; None where neither is there."""
    stated = _card_head(folder / _CARD)
    name = stated.get("license")
    if name in (None, "other"):
        name = stated.get("license_name", name)
    if name in (None, "other"):
        file = next((name for name in _LICENSE_FILES if is_file(folder / name)), None)
        return name if file is None else f"see {file}"
    return name


def has_chat_template(folder: Path) -> bool | None:
    """Whether a folder has a chat template, as a file of its own or in tokenizer_config.json.

    None where the latter is damaged, of which the tokenizer says more.
    """
    files = ("chat_template.jinja", "chat_template.json", "additional_chat_templates")
    if any(exists(folder / name) for name in files):
        return True
    try:
        settings = json_object(folder / "tokenizer_config.json") or {}
    except AttnError:
        return None
    return bool(settings.get("chat_template"))


def _card_head(card: Path) -> dict[str, str]:
    """The license and its name, of what stands between two lines `---` at the start of a card."""
    if not is_file(card):
        return {}
    try:
        with card.open("rb") as file:
            text = file.read(_HEAD).decode("utf-8-sig", "replace")
    except OSError:
        return {}
    first, *lines = text.splitlines() or [""]
    if first.rstrip() != "---":
        return {}
    stated: dict[str, str] = {}
    for line in lines:
        if line.rstrip() == "---":
            return stated
        if match := _STATED.match(line):
            stated.setdefault(match[1], match[2].strip())
    return {}
