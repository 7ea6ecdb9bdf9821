"""Checks and measures clipwright's CUDA part on the machine that this folder was copied to. Standard library only."""
