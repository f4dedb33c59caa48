"""What a server cannot do: tools, or a form; told from its refusal, so that whoever asked for it is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.drafting import DraftRequest
from pipeline.errors import ModelRefused, ModelUnable
from pipeline.langchain_door.faults import about_the_request, refusals_of
from pipeline.structured import has_tools


@contextmanager
def unable(request: DraftRequest, label: str) -> Iterator[None]:
    """Where a request with tools or a form is refused for what it is, it is for these: raises `ModelUnable`."""
    wanted = request.options
    try:
        with refusals_of("response_format" if wanted.form else ""):
            yield
    except ModelRefused as refusal:
        if isinstance(refusal, ModelUnable) or not about_the_request(refusal):
            raise
        if wanted.form:  # of both it is the one that can be asked for in another way
            raise ModelUnable(f"{label} does not take this form: {refusal}", asked="form") from refusal
        if wanted.tools or has_tools(request.messages):
            raise ModelUnable(f"{label} does not take tools: {refusal}", asked="tools") from refusal
        raise
