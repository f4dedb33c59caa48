"""`POST /v1/responses`."""

from __future__ import annotations

import asyncio
import uuid

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from critics import Message
from pipeline.drafting import Form
from pipeline.drafting.asked_options import asked_options
from pipeline.server.asking import ask, collected
from pipeline.server.responses.events import Events
from pipeline.server.responses.reply import ResponseObject, begun, dumped, ended
from pipeline.server.responses.request import InputItem, ResponseRequest, refuse_unsupported
from pipeline.server.service import Service
from pipeline.server.telling.told import headers, told
from pipeline.server.wire.body import whole
from pipeline.server.wire.conversation import conversation
from pipeline.server.wire.documented import POSTED, STREAMED
from pipeline.server.wire.sse import event_stream


def response_routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["responses"])
    tell = service.options.tell

    @router.post(
        "/v1/responses",
        response_model=ResponseObject,
        responses={200: {"description": "The answer, or with `stream` its events.", **STREAMED}, **POSTED},
    )
    async def create_response(body: ResponseRequest, request: Request) -> Response:
        """An answer that the manifesto passed, or the manifesto's refusal in an incomplete response."""
        refuse_unsupported(body)
        turns = _turns(body)
        served = service.served(request, body.model)
        # A schema is looked through for seconds at worst, and streams must go on meanwhile.
        form = await asyncio.to_thread(_form, body) if body.text else None
        options = asked_options(body.max_output_tokens, temperature=body.temperature, top_p=body.top_p, form=form)
        following = ask(service, request, served, turns, options=options, hold=not body.stream)
        response, item = begun(body, served.id), f"msg_{uuid.uuid4().hex}"
        manifesto = served.pipeline.manifesto
        if body.stream:
            events = Events(response, item, tell)
            return await event_stream(service, request, following, events, headers=headers(manifesto, tell))
        (outcome,) = await collected(service, request, following)
        reply = ended(response, item, outcome.answer or "", outcome, told([outcome], tell))
        return whole(dumped(reply), headers=headers(manifesto, tell, [outcome]))

    return router


def _form(body: ResponseRequest) -> Form | None:
    return body.text.format.form if body.text and body.text.format else None


def _turns(body: ResponseRequest) -> tuple[Message, ...]:
    given = [InputItem(role="user", content=body.input)] if isinstance(body.input, str) else body.input
    before = (Message("system", body.instructions),) if body.instructions else ()
    return (*before, *conversation(given, field="input"))
