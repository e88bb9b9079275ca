"""The library of zstandard, which Python has from 3.14 on."""

from importlib import import_module
from typing import Any

from attncli.errors import MissingExtraError


def zstd_library(purpose: str) -> Any:
    """The module that packs and unpacks. Raises: MissingExtraError, which names the purpose."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise MissingExtraError.of("backports.zstd", purpose)
