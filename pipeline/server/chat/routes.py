"""`POST /v1/chat/completions`."""

from __future__ import annotations

import asyncio
import time
import uuid

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from pipeline.drafting import DraftOptions
from pipeline.drafting.asked_options import asked_options
from pipeline.errors import BadInput
from pipeline.files.inputs import sources
from pipeline.server import faults
from pipeline.server.asking import ask, collected
from pipeline.server.chat.chunks import Chunks
from pipeline.server.chat.reply import ChatCompletion, choice, dumped
from pipeline.server.chat.request import ChatRequest, refuse_unsupported
from pipeline.server.service import Service
from pipeline.server.telling.told import headers, told
from pipeline.server.wire.body import whole
from pipeline.server.wire.conversation import conversation
from pipeline.server.wire.documented import POSTED, STREAMED
from pipeline.server.wire.sse import event_stream
from pipeline.server.wire.tools import tools_of
from pipeline.server.wire.usage import usage_of


def chat_routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["chat"])
    tell = service.options.tell

    @router.post(
        "/v1/chat/completions",
        response_model=ChatCompletion,
        responses={200: {"description": "The answer, or with `stream` its chunks.", **STREAMED}, **POSTED},
    )
    async def create_chat_completion(body: ChatRequest, request: Request) -> Response:
        """An answer that the manifesto passed, or the manifesto's refusal with `finish_reason: content_filter`."""
        refuse_unsupported(body, choices=min(service.options.choices, service.work.places))
        turns = conversation(body.messages)
        served = service.served(request, body.model)
        # A schema is looked through for seconds at worst, and streams must go on meanwhile.
        options = await asyncio.to_thread(_options, body) if body.response_format or body.tools else _options(body)
        following = ask(
            service,
            request,
            served,
            turns,
            options=options,
            hold=not body.stream,
            choices=body.n or 1,
            seed=body.seed,
            context=sources(body.context or ()),
        )
        identity = f"chatcmpl-{uuid.uuid4().hex}"
        manifesto = served.pipeline.manifesto
        if body.stream:
            with_usage = bool(body.stream_options and body.stream_options.include_usage)
            chunks = Chunks(identity, served, tell, with_usage=with_usage)
            return await event_stream(service, request, following, chunks, headers=headers(manifesto, tell))
        outcomes = await collected(service, request, following)
        reply = ChatCompletion(
            id=identity,
            created=int(time.time()),
            model=served.id,
            choices=[choice(index, outcome) for index, outcome in enumerate(outcomes)],
            usage=usage_of(outcomes),
            superego=told(outcomes, tell),
        )
        return whole(dumped(reply), headers=headers(manifesto, tell, outcomes))

    return router


def _options(body: ChatRequest) -> DraftOptions:
    tools = tools_of(body.tools, body.tool_choice, parallel=body.parallel_tool_calls)
    form = body.response_format.form if body.response_format else None
    try:
        return asked_options(
            body.max_tokens,
            body.max_completion_tokens,
            stop=body.stop,
            temperature=body.temperature,
            top_p=body.top_p,
            tools=tools,
            form=form,
        )
    except BadInput as exc:
        raise faults.ApiError(400, str(exc), param="stop", code="invalid_value") from exc
