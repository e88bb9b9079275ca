"""The version: of the command, of the package, and of what a batch that goes on was begun by."""

__version__ = "0.1.0"
