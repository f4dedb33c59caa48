"""Codes of languages and regions that nobody knows: their rule could never be judged."""

from __future__ import annotations

from collections.abc import Iterator

from critics.lint.placing import Complaint
from critics.manifesto.schema import Rule
from critics.patterns import knows_language
from critics.personal_data import unknown_regions

_MEANT_LANGUAGES = {
    "at": "de", "by": "be", "cn": "zh", "cz": "cs", "dk": "da", "gb": "en", "ge": "ka", "gr": "el", "il": "he",
    "ir": "fa", "iw": "he", "jp": "ja", "kr": "ko", "kz": "kk", "rs": "sr", "ua": "uk", "us": "en", "vn": "vi",
}  # fmt: skip
"""Languages by what is mostly taken for their code: that of a country."""

_MEANT_REGIONS = {"CS": "CZ", "DA": "DK", "EL": "GR", "EN": "GB", "JA": "JP", "KO": "KR", "UK": "GB", "ZH": "CN"}
"""And the other way about."""


def code_complaints(rule: Rule) -> Iterator[Complaint]:
    """Where in the rule such a code stands, and what is wrong with it."""
    for index, code in enumerate(rule.patterns.languages if rule.patterns else ()):
        if not knows_language(code):
            cure = _meant(code, _MEANT_LANGUAGES) or "; write an ISO 639-1 code of one that it knows, or leave it out"
            yield ("patterns", "languages", index), f"the language detector does not know `{code}`{cure}"
    regions = rule.personal_data.regions if rule.personal_data else ()
    unknown = unknown_regions(regions)
    for index, code in enumerate(regions):
        if code in unknown:
            cure = _meant(code, _MEANT_REGIONS) or "; write an ISO 3166 code, such as GB, or leave it out"
            yield ("personal-data", "regions", index), f"no phone number has the region `{code}`{cure}"


def _meant(code: str, known: dict[str, str]) -> str:
    return f"; did you mean `{known[code]}`?" if code in known else ""
