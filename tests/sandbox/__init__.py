"""The Slack sandbox, against the SDK and Bolt that a bot is made of."""
