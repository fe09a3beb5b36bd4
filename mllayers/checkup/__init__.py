"""Your own data: the five questions, asked of a file.

One call: :func:`checkup`. It takes any frame or the path of a file, is told which column plays which role, and returns
a page (:class:`Checkup`): for each layer what the file says, how far to trust that, the lines of code that produce it,
and what the file cannot answer.
"""

from mllayers.checkup.answers import Answer, Checkup, Gap, Section
from mllayers.checkup.run import PRACTICE_ROLES, checkup

__all__ = ["PRACTICE_ROLES", "Answer", "Checkup", "Gap", "Section", "checkup"]
