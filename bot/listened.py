"""What the bot listens to and which scopes that takes, as data: a test compares manifest.yml."""

EVENTS = frozenset(
    {
        "app_home_opened",
        "app_mention",
        # A mention with a file can come as `message` alone, so channels are listened to as well.
        "message.channels",
        "message.groups",
        "message.im",
        "message.mpim",
    }
)
COMMANDS = frozenset({"/triage", "/retrain"})
SHORTCUTS = frozenset({"triage_note"})
# Per scope, what needs it.
SCOPES = {
    "app_mentions:read": "app_mention",
    "assistant:write": "suggested prompts and status in the agent view",
    "channels:history": "message.channels, and the thread's first message",
    "channels:read": "is a channel public?",
    "chat:write": "answers",
    "commands": "slash commands and the message shortcut",
    "files:read": "notes sent as files",
    "files:write": "pictures and report of a comparison",
    "groups:history": "message.groups",
    "groups:read": "is a channel private?",
    "im:history": "message.im",
    "im:read": "conversations.info of a direct message",
    "im:write": "a form's answer found again in the direct message",
    "mpim:history": "message.mpim",
    "mpim:read": "conversations.info of a group message",
    "usergroups:read": "user groups in TRIAGE_LEADS",
}
INTERACTIVE = True
