"""Arguments that several tools share, and what each says of itself to the model."""

from typing import Annotated

from msgspec import Meta

Key = Annotated[str, Meta(description="name of the work")]
WaitSec = Annotated[float, Meta(ge=0, le=50, description="seconds to wait, up to 50")]
TtlSec = Annotated[float, Meta(description="seconds, at least 5")]
ActiveOnly = Annotated[bool, Meta(description="false: also what was released or lapsed")]
Since = Annotated[int, Meta(description="only ids above this")]
Limit = Annotated[int, Meta(ge=1)]
Token = Annotated[int, Meta(description="only if it is still yours under it")]
After = Annotated[str, Meta(description="go on after this one, as a full page says")]
