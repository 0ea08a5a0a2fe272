"""Policies, whether they hold, approvals. Its place in the stack is kept; its rows come with the issue."""
