"""The workshop: what a teacher prints, reads out and grades.

`make` writes everything into one folder: pages to print, each a file that asks nothing of other machines. What is
written by hand stands in ``notebooks/teach`` as Markdown; minutes, expected answers and numbers come from notebooks,
checkers and the shop, so that they cannot drift.

``paper``: a page to print. ``make``: the list of parts.
"""
