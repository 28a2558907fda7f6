"""Coders: from integer distributions to bytes."""
