"""The bot, run as it is deployed against a stand-in for Slack that checks what it sends."""
