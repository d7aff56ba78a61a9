"""Submissions to the leaderboard: bundles of a record and its outputs, made and checked."""
