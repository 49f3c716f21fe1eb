"""No secret survives redaction, however it is written down."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aap_pipeline.controller.redaction import redact, sanitise_url

MARKER = "S3CRETMARKER"
NAMES = st.sampled_from(
    [
        "access_token",
        "refresh_token",
        "client_secret",
        "password",
        "Authorization",
        "extra_vars",
        "artifacts",
        "api_key",
    ]
)
NOISE = st.text(alphabet="abc \"'\\{}[]:,=\n&é", max_size=12)
SECRETS = st.builds(lambda before, after: before + MARKER + after, NOISE, NOISE)


@given(NAMES, SECRETS, st.text(max_size=20))
def test_a_secret_in_json_is_hidden(name: str, secret: str, other: str) -> None:
    """A body quoted in an error is the likeliest leak."""
    assert MARKER not in redact(json.dumps({"id": 1, name: secret, "other": other}))


@given(NAMES, SECRETS)
def test_a_secret_in_json_inside_json_is_hidden(name: str, secret: str) -> None:
    """extra_vars is JSON in a JSON string; event logs wrap it once more."""
    once = json.dumps({name: secret})
    assert MARKER not in redact(json.dumps({"message": once}))
    assert MARKER not in redact(json.dumps({"message": json.dumps({"inner": once})}))


@given(NAMES, SECRETS)
def test_a_secret_in_a_repr_is_hidden(name: str, secret: str) -> None:
    """Tracebacks and f-strings show dictionaries as Python writes them."""
    assert MARKER not in redact(f"failed with { ({'id': 1, name: secret, 'then': 2})!r}")


@given(NAMES, SECRETS)
def test_a_secret_in_a_query_or_form_is_hidden(name: str, secret: str) -> None:
    """The token request is a form."""
    assert MARKER not in redact(f"POST /o/token/?{urlencode({'grant_type': 'refresh_token', name: secret})}")


@given(st.sampled_from(["extra_vars", "artifacts"]), st.dictionaries(NOISE, st.lists(SECRETS, min_size=1), min_size=1))
def test_an_object_of_secrets_is_hidden_whole(name: str, variables: dict[str, list[str]]) -> None:
    """Nothing inside extra_vars or artifacts may end in a log, whatever its names are."""
    text = redact(json.dumps({name: variables, "after": "kept"}))
    assert MARKER not in text
    assert "kept" in text


@given(st.text(max_size=60))
def test_any_text_survives_without_an_error(text: str) -> None:
    """A filter that raises loses the log line that mattered."""
    redact(text)
    redact(f"token: {text}")
    redact(f"extra_vars={{{text}")


@given(st.text(alphabet="abcdefgh XYZ.,", max_size=60))
def test_text_without_secrets_stays_as_it_is(text: str) -> None:
    """Redaction that eats ordinary words makes logs useless."""
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {MARKER}",
        f"authorization: Basic {MARKER}==, then more",
        f"curl -H 'Authorization: Bearer {MARKER}' https://x",
        f"sent bearer {MARKER}",
        f"https://admin:{MARKER}@aap.example.com/api/",
        f"postgresql://u:{MARKER}@db/x",
        f"AAP_TOKEN={MARKER} aap-pipeline sync",
        f"AAP_PIPELINE_ENCRYPTION_KEYS={MARKER}",
        f"extra_vars: {{a: {MARKER}}}",
        f'"extra_vars": "{{\\"pw\\": \\"{MARKER}',
        f"{{'client_secret': b'{MARKER}'}}",
        f"Cookie: sessionid={MARKER}; other={MARKER}",
    ],
)
def test_known_places_of_secrets_are_hidden(text: str) -> None:
    """Each of these has been seen in a real log."""
    assert MARKER not in redact(text)


def test_known_values_are_hidden_wherever_they_stand() -> None:
    """A token that a controller echoes in free text has no name in front of it."""
    assert redact(f"no such thing as {MARKER} here", [MARKER, ""]) == "no such thing as *** here"


def test_what_the_controller_says_about_tokens_stays_readable() -> None:
    """ "token_type" and "token_path" hold no secret, and sentences about tokens are what a person needs."""
    text = "The token is expired or revoked. POST /api/o/token/ answered 400"
    assert redact(text) == text
    assert "Bearer" in redact('{"token_type": "Bearer"}')


def test_urls_keep_the_filters_and_lose_everything_else() -> None:
    """A URL in an error must show which page failed, and never a value that could be secret."""
    url = "https://u:p@aap.example.com:8443/api/v2/jobs/?id__gt=5&order_by=id&search=x&access_token=y#z"
    assert (
        sanitise_url(url)
        == "https://aap.example.com:8443/api/v2/jobs/?id__gt=5&order_by=id&search=***&access_token=***"
    )


def test_a_short_known_value_is_hidden_as_a_word_and_leaves_other_words_alone() -> None:
    """Guards against "access ***en" in every message of somebody whose token is "tok"."""
    assert redact("the access token tok, tok", ["tok"]) == "the access token ***, ***"
