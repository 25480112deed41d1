"""Reverse stress: the smallest shock that fails a node or reaches a loss."""
