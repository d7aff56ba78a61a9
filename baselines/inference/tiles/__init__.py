"""Frames that go through a network in parts, and are put together again."""
