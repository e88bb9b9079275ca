"""Where the user's own defaults are kept; asked at every start, so it loads next to nothing."""

import os
import sys
from pathlib import Path

from attncli.files.paths import at_home


def config_file() -> Path | None:
    """The file that keeps the user's defaults, be it there or not; None where ATTN_CONFIG is empty."""
    given = os.environ.get("ATTN_CONFIG")
    if given is not None:
        return Path(given) if given else None
    if sys.platform.startswith("linux"):  # as platformdirs says, without its import at every start
        base = os.environ.get("XDG_CONFIG_HOME", "")
        home = Path(base) if base.startswith("/") else at_home("~/.config")
        return home / "attn" / "config.toml"
    from platformdirs import user_config_path

    return user_config_path("attn", appauthor=False) / "config.toml"
