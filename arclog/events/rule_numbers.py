"""The numbers of the rules that events need (`arclog.rules`)."""

from typing import Final

FIRST_RULES: Final = 1
"""Those that every log begins with."""
OVERLAP_RULES: Final = 2
"""From these on, locks overlap, and claims and locks are waited for."""
FAMILY_RULES: Final = 3
"""From these on, a sub-agent may have a lock beside its parent's."""
WORK_RULES: Final = 4
"""From these on, tasks have terms and may fail, messages are acknowledged, agents are woken, and tokens bind names."""
