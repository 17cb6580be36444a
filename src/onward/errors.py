"""The errors that a person can cause and mend: one tree, one line each, exit code 2.

Anything else that is raised is a fault of ours and shows its traceback. A message says what is wrong, where, and how to mend it.
"""

from __future__ import annotations

from pathlib import Path


class OnwardError(Exception):
    """Something that the user can mend. Its text is the one line that the command line prints."""


class ConfigError(OnwardError):
    """An architecture that cannot be built: shapes that do not fit together, an unknown family."""


class PlanError(OnwardError):
    """A training plan that cannot work, or that contradicts the run it should go on with."""


class FolderError(OnwardError):
    """A model folder that is not whole, not ours to read, or does not fit together."""


class TokenizerError(OnwardError):
    """A tokeniser that cannot be trained or read, or text that it cannot take."""


class ChatError(OnwardError):
    """A conversation that cannot be used: unknown roles, no answer to learn from, a template that refuses it."""


class DataError(OnwardError):
    """Text or data that cannot be read or used."""


class BadLine(DataError):
    """One line (or record) of a data file that cannot be used."""

    def __init__(self, path: Path | str, number: int, why: str) -> None:
        super().__init__(f"{path}, line {number}: {why}. Mend it, or leave such lines out with --skip-bad.")


class SuiteError(OnwardError):
    """A suite of questions that cannot be read, or that cannot be put to this model in this way."""


class WorldError(OnwardError):
    """A world that cannot be made, or a question that it does not understand."""


class ProgramError(WorldError):
    """A program of the world's mini language that cannot be read or run."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"The program, line {line}: {why}.")


class OutputError(OnwardError):
    """An output that exists already, or cannot be written: no space, no permission."""


class EndpointError(OnwardError):
    """A model behind a URL that does not answer as the OpenAI protocol says."""


class EndpointBusy(EndpointError):
    """It cannot answer now, and has not begun to: asked later, it may."""


class RequestRefused(EndpointError):
    """It answers others, but not this request, however often it is asked: one too long, or against its rules."""


class NotServed(EndpointError):
    """It has nothing at the address that was asked: no such route, or no such model."""


class NativeError(OnwardError):
    """A decode step in C++ that cannot be had for this model or on this machine, or was called wrongly."""


class ServeError(OnwardError):
    """A server that cannot begin: an address that is taken, two models of one name."""


class TrainingError(OnwardError):
    """Training that cannot go on: a loss that is not a number, or a step that does not fit into memory."""
