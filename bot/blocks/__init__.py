"""What people see, as Block Kit: pure functions from data to dictionaries."""

from bot.blocks.parts import Rendered

__all__ = ["Rendered"]
