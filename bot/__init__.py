"""The Slack bot: listens, calls `mlops`, posts what pure block builders return."""
