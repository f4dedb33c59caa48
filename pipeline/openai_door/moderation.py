"""`POST /v1/moderations` as the service behind the critic `remote`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from critics import Unreadable, time_left
from pipeline.addresses import secrets_in
from pipeline.errors import ModelMissing
from pipeline.langchain_door.faults import translated
from pipeline.langchain_door.label import label_of
from pipeline.langchain_door.load import address, explained
from pipeline.langchain_door.retry import Retries, retried

_NAME = "the moderation service"


class OpenAiModerator:
    """Asks the service about one text at a time, in one request.

    `timeout` is in seconds and bounds one request. A call that failed is made again, `tries` times in all; both end
    with the time that the critic still has. Raises `SettingsError` for a key that is missing or a `base_url` that is no
    web address, and `ModelMissing` where the extra `openai` is not installed.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        tries: int = 3,
    ) -> None:
        options: dict[str, Any] = address(_NAME, base_url, api_key)
        try:
            from openai import OpenAI
        except ImportError as exc:
            raise ModelMissing("the critic `remote` needs a package: pip install 'superego[openai]'") from exc
        with explained(_NAME):
            self._client = OpenAI(max_retries=0, **options)  # one place retries, ours
        self._model = model
        self._label = label_of(f"{_NAME} {model}", base_url or "")
        self._secrets = [*filter(None, [self._client.api_key]), *secrets_in(str(self._client.base_url))]
        self._timeout = timeout
        self._retries = Retries(attempts=tries)

    def __call__(self, text: str) -> Mapping[str, float]:
        """Probabilities by category. Raises `ModelFault`, and `Unreadable` for a reply of another shape."""
        scores = _scores(retried(lambda: self._asked(text), self._retries))
        if scores is None:
            what = "answered without one result of category_scores in numbers"
            raise Unreadable(f"{self._label} {what}: see that base_url is that of a moderation service and ends in /v1")
        return scores

    def _asked(self, text: str) -> str:
        left = time_left()
        timeout = self._timeout if left is None else max(min(self._timeout, left), 0.001)
        with translated(self._label, secrets=self._secrets):
            # Raw, because the client takes whatever comes for what it should be.
            reply = self._client.moderations.with_raw_response.create(input=text, model=self._model, timeout=timeout)
            return str(reply.text)


def _scores(body: str) -> dict[str, float] | None:
    """The scores of the one result; a category with `null` is left out. `None` for what is of another shape."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return None
    match reply:
        case {"results": [{"category_scores": dict(scores)}]}:
            given = {name: score for name, score in scores.items() if score is not None}
            if not any(isinstance(score, bool) or not isinstance(score, int | float) for score in given.values()):
                return given
    return None
