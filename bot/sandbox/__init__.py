"""A local stand-in for Slack: Web API, Socket Mode, signed HTTP, and a page in the browser.

The unmodified bot connects to it through `SLACK_API_URL`. `server.Sandbox` runs it; `state` holds
the workspace, `methods_*` answer the Web API, `people` does what a person does in Slack.
"""
