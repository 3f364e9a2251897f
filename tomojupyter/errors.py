"""Everything that this package raises or warns on purpose.

Each message is a sentence that says what was given, what is allowed and what to do, because
the panels and the command line show it as it stands.
"""

from __future__ import annotations


class TomojupyterError(Exception):
    """Base of all errors of this package."""


class ParameterError(TomojupyterError, ValueError):
    """A parameter has a value that is not allowed."""


class UnknownParameterError(TomojupyterError, TypeError):
    """A keyword that the chosen method does not have."""


class UnknownMethodError(ParameterError):
    """A method name that the operation does not have."""


class DataError(TomojupyterError, ValueError):
    """The data cannot be used for what was asked."""


class TiltsError(DataError):
    """The tilt angles are missing, wrong in number, or cannot be angles."""


class FormatError(TomojupyterError, ValueError):
    """A file is not what its name says, or ends early."""


class IncompleteFileError(FormatError):
    """A file ends before the last of its sections.

    Parameters
    ----------
    text
        The sentence.
    complete
        How many sections are there; 0: none that is known.
    """

    def __init__(self, text: str, complete: int = 0) -> None:
        super().__init__(text)
        self.complete = complete


class MissingFileError(TomojupyterError, FileNotFoundError):
    """A file that was named is not there."""


class AlignmentRefused(TomojupyterError, ValueError):  # noqa: N818  a refusal is an answer
    """An estimator refuses to return an answer that would be absurd."""


class RecipeError(TomojupyterError, ValueError):
    """A recipe that cannot be read or replayed."""


class Cancelled(TomojupyterError):  # noqa: N818  the usual name, as in asyncio
    """The person pressed Stop: the result is thrown away."""


class TomojupyterWarning(UserWarning):
    """Work goes on, but the person should know."""
