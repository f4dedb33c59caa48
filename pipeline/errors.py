"""The upper room's errors.

PipelineError
├── SettingsError          a configuration cannot be used            exit 2   (who configures)
├── BadInput               a prompt, a file or a flag is wrong       exit 2   (who asks)
├── OutputFault            a result cannot be written                exit 1   (who runs)
├── Stopped                a run was asked to stop, and can go on    exit 130 (who runs)
└── ModelFault             a model failed; also a critics.ModelError exit 1
    ├── ModelMissing       no such file, name or package
    ├── ModelUnusable      not a model, damaged, or too big for the memory
    ├── ContextOverflow    the prompt does not fit into the context
    ├── ModelRefused       the server says no: key, name or request
    │   └── ModelUnable    it has no tools, or cannot keep to a form
    └── ModelUnavailable   out of reach or overloaded                retryable
        └── ModelBusy      it is there, and has other work to do
"""

from __future__ import annotations

from typing import ClassVar, Literal

from critics import CriticsError, ModelError


class PipelineError(Exception):
    """Root of everything that this room raises on purpose."""

    __reduce__ = CriticsError.__reduce__


class SettingsError(PipelineError):
    """A configuration that cannot be used; its text is one line a fault."""


class BadInput(PipelineError):
    """What was handed in cannot be worked on."""


class OutputFault(PipelineError):
    """A result cannot be written: no space, no permission."""


class Stopped(PipelineError):
    """A run was asked to stop before its end; what it has done is kept."""


class ModelFault(PipelineError, ModelError):
    """A model failed. Behind a critic it becomes *undecided*; behind the generator the outcome is *faulted*."""

    retryable: ClassVar[bool] = False


class ModelMissing(ModelFault):
    """No such file, name or package."""


class ModelUnusable(ModelFault):
    """There is something, but it is not a model that can be run here."""


class ContextOverflow(ModelFault):
    """The prompt does not fit into the model's context."""


class ModelRefused(ModelFault):
    """The server understood and says no; asking again changes nothing."""


class ModelUnable(ModelRefused):
    """The model has no tools, or cannot keep its answer to the form that is asked for."""

    def __init__(self, message: str, *, asked: Literal["tools", "form"], why: str = "") -> None:
        super().__init__(message)
        self.asked = asked
        self.why = why
        """What whoever asks may be told, where there is more to say."""


class ModelUnavailable(ModelFault):
    """Out of reach, overloaded or too slow; asking again may help."""

    retryable: ClassVar[bool] = True

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the server asked us to wait, where it did."""


class ModelBusy(ModelUnavailable):
    """It is there and takes nothing more just now: what was asked has nothing to do with it."""
