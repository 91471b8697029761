"""The Slack app manifest: well-formed, and neither more nor less than the code uses."""

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[1]
PUBLISHED = (
    "https://raw.githubusercontent.com/slackapi/manifest-schema/main/schemas/"
    "manifest.schema.2.0.0.json"
)


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())
    return data


def test_fits_the_published_schema(manifest: dict[str, Any]) -> None:
    """Slack's own schema: a copy that MANIFEST_SCHEMA names, else from the network."""
    if copy := os.environ.get("MANIFEST_SCHEMA"):
        schema = json.loads(Path(copy).read_text())
    else:
        try:
            with urllib.request.urlopen(PUBLISHED, timeout=5) as answer:
                schema = json.load(answer)
        except OSError:
            pytest.skip("Slack's schema can't be reached; name a copy with MANIFEST_SCHEMA")
    jsonschema.validate(manifest, schema)


def limited(low: int, high: int, **more: str) -> dict[str, Any]:
    return {"type": "string", "minLength": low, "maxLength": high, **more}


def record(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": required | (optional or {}),
    }


FLAG = {"type": "boolean"}
# The limits that Slack documents for the parts that this manifest has.
LIMITS = record(
    {
        "_metadata": record({"major_version": {"const": 2}, "minor_version": {"type": "integer"}}),
        "display_information": record(
            {
                "name": limited(1, 35),
                "description": limited(1, 140),
                "background_color": limited(4, 7, pattern="^#[0-9a-fA-F]{6}$"),
            }
        ),
        "features": record(
            {
                "agent_view": record(
                    {
                        "agent_description": limited(1, 300),
                        "suggested_prompts": {
                            "type": "array",
                            "maxItems": 4,
                            "items": record({"title": limited(1, 75), "message": limited(1, 300)}),
                        },
                    }
                ),
                "app_home": record(
                    {
                        "home_tab_enabled": FLAG,
                        "messages_tab_enabled": FLAG,
                        "messages_tab_read_only_enabled": FLAG,
                    }
                ),
                "bot_user": record({"display_name": limited(1, 80), "always_online": FLAG}),
                "shortcuts": {
                    "type": "array",
                    "maxItems": 10,
                    "items": record(
                        {
                            "name": limited(1, 24),
                            "type": {"enum": ["message", "global"]},
                            "callback_id": limited(1, 255),
                            "description": limited(1, 150),
                        }
                    ),
                },
                "slash_commands": {
                    "type": "array",
                    "maxItems": 50,
                    "items": record(
                        {
                            "command": limited(2, 32, pattern="^/[a-z]+$"),
                            "description": limited(1, 2000),
                            "should_escape": FLAG,
                        },
                        {"usage_hint": limited(1, 1000)},
                    ),
                },
            }
        ),
        "oauth_config": record(
            {"scopes": record({"bot": {"type": "array", "uniqueItems": True}})},
        ),
        "settings": record(
            {
                "event_subscriptions": record(
                    {"bot_events": {"type": "array", "maxItems": 100, "uniqueItems": True}}
                ),
                "interactivity": record({"is_enabled": {"const": True}}),
                "org_deploy_enabled": FLAG,
                "socket_mode_enabled": {"const": True},
                "token_rotation_enabled": FLAG,
            }
        ),
    }
)


def test_fits_the_documented_limits(manifest: dict[str, Any]) -> None:
    jsonschema.validate(manifest, LIMITS)


def test_limits_are_checked(manifest: dict[str, Any]) -> None:
    longer = json.loads(json.dumps(manifest))
    longer["features"]["shortcuts"][0]["name"] = "Triage this note, please, now"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(longer, LIMITS)
