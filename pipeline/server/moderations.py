"""`POST /v1/moderations`: stands in for OpenAI's, with the manifesto's rules for categories.

A plain `input` is judged by the rules for input; where the manifesto has none, as a reply, by its rules for output.
With `response`, ours, the exchange of `input` and `response` is judged by the rules for output.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from critics import Verdict, within
from pipeline.pipeline import Pipeline
from pipeline.server import faults
from pipeline.server.asking import unless_gone
from pipeline.server.catalogue import Served
from pipeline.server.service import Service, key_of, record_of
from pipeline.server.wire.conversation import text_of
from pipeline.server.wire.documented import POSTED
from pipeline.server.wire.incoming import ContentPart, In, Several, Text

_NOTHING = Verdict("pass", None, None)
_OPENAIS = ("omni-moderation", "text-moderation")
"""How the names of OpenAI's own models begin."""


class ModerationRequest(In):
    input: Text | Several[Text] | Several[ContentPart]
    model: str | None = None
    """The only one that the key is for when not given, or given as one of OpenAI's."""
    response: Text | None = None


class ModerationResult(BaseModel):
    """A rule is a category. One that no critic could judge is `undecided`: it is flagged, at a score of 1, because
    nobody has passed it."""

    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, Annotated[float, Field(ge=0, le=1)]]
    category_applied_input_types: dict[str, list[str]]
    undecided: list[str]


class ModerationReply(BaseModel):
    id: str
    model: str
    results: list[ModerationResult]


def moderation_routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["moderations"])

    @router.post("/v1/moderations", responses=POSTED)
    async def create_moderation(body: ModerationRequest, request: Request) -> ModerationReply:
        """What the manifesto's rules say of texts. Nothing is drafted."""
        texts = _texts(body, most=service.options.inputs)
        served = _served(service, request, body.model)
        over = threading.Event()
        pipeline = replace(served.pipeline, critic=partial(within, None, served.pipeline.critic, stop=over))

        def judged() -> list[Verdict]:
            return [_verdict(pipeline, text, body.response) for text in texts if not over.is_set()]

        try:
            verdicts = await unless_gone(request.receive, service.work.run(judged))
        finally:
            over.set()  # nobody waits for the texts that are left, nor for a critic
        for verdict in verdicts:
            service.telling.metrics.tokens("critic", verdict.usage)
        service.telling.metrics.verdicts(served.name, verdicts)
        return ModerationReply(id=f"modr-{uuid.uuid4().hex}", model=served.id, results=[_result(v) for v in verdicts])

    return router


def _texts(body: ModerationRequest, *, most: int) -> list[str]:
    texts: list[str] = []
    if isinstance(body.input, str):
        texts = [body.input]
    elif all(isinstance(part, str) for part in body.input):
        texts = [part for part in body.input if isinstance(part, str)]
    else:
        texts = [text_of([part for part in body.input if isinstance(part, ContentPart)], "input")]
    if not 1 <= len(texts) <= most:
        raise faults.ApiError(400, f"`input` holds 1 to {most} texts", param="input", code="invalid_value")
    if body.response is not None and len(texts) != 1:
        what = "`response` answers one input"
        raise faults.ApiError(400, what, param="response", code="invalid_value")
    return texts


def _served(service: Service, request: Request, model: str | None) -> Served:
    """Clients of OpenAI's name one of its models, or none; that can only mean one where there is but one."""
    if model is not None and service.catalogue.find(model, key_of(request)) is not None:
        return service.served(request, model)
    visible = service.catalogue.visible_to(key_of(request))
    if len(visible) == 1 and (model is None or model.startswith(_OPENAIS)):
        record_of(request).model = visible[0].name
        return visible[0]
    if model is None and not visible:
        raise faults.ApiError(404, "no manifesto is here for this key", param="model", code="model_not_found")
    if model is None:
        what = "name a `model`: " + ", ".join(served.id for served in visible)
        raise faults.ApiError(400, what, param="model", code="missing_required_parameter")
    raise faults.no_model(model)


def _verdict(pipeline: Pipeline, text: str, response: str | None) -> Verdict:
    if response is not None:
        return pipeline.judge(text, response)
    if not text.strip():
        return _NOTHING
    return pipeline.judge(text) if pipeline.manifesto.rules_for("input") else pipeline.judge("", text)


def _result(verdict: Verdict) -> ModerationResult:
    open_ = [judgement.rule.id for judgement in verdict.of("undecided")]
    categories = {j.rule.id: j.outcome != "pass" for j in verdict.judgements}
    return ModerationResult(
        flagged=verdict.outcome != "pass" or any(categories.values()),
        categories=categories,
        category_scores={j.rule.id: 1.0 if j.probability is None else j.probability for j in verdict.judgements},
        category_applied_input_types={rule: ["text"] for rule in categories},
        undecided=open_,
    )
