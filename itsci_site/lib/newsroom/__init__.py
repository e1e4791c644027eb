"""The newsroom: how staff's changes reach the public, and the trail of who changed what.

`guard.py` holds the rules of Postgres, `trail.py` the trail of changes, `proposals.py` next versions of what is public,
`desk.py` the admin on top of them.
"""
