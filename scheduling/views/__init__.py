"""The pages of the diary: edges that read a request, call a verb and answer."""
