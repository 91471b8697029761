"""Text to recommendation, dataset to model, model to endpoint. Knows nothing of Slack."""

__version__ = "0.1.0"
