"""The schedule audit: named checks over any days of any number of practices, in one statement.

`checks` is the list; `looking` asks them; `settling` keeps what a person said of a finding; `repairs` are the
one-click ways out, each through a verb of the diary; `sweep` looks into many practices at once.
"""
