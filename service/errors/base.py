"""The root of the tree: what each failure tells its caller, the log and the trace."""

import re
from typing import Any, ClassVar

from service.trace import Outcome, Trace


class GatewayError(Exception):
    """A failure that is safe to show: ``detail`` goes to the caller, the cause to the log.

    ``field`` names what in the request was wrong, ``remedy`` what to do about it, ``members``
    are further members of the problem. An instance's own ``retry_after_seconds`` wins over its
    class's.
    """

    status: ClassVar[int]
    title: ClassVar[str]
    outcome: ClassVar[Outcome] = Outcome.CLIENT_ERROR
    remedy: ClassVar[str] = ""
    retry_after_seconds: int | None = None

    def __init__(
        self,
        detail: str,
        *,
        field: str = "",
        remedy: str = "",
        retry_after_seconds: int | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        if retry_after_seconds is not None:
            self.retry_after_seconds = retry_after_seconds
        optional = {"field": field, "remedy": remedy or self.remedy}
        self.members = {name: text for name, text in optional.items() if text} | members

    @classmethod
    def code(cls) -> str:
        """The class's name in the problem's type: UnknownModel is `unknown-model`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def record(self, trace: Trace) -> None:
        """Write down in ``trace`` how it ended."""
        trace.outcome, trace.problem = self.outcome, self.code()
        trace.cause = str(self.__cause__ or self)

    def headers(self) -> dict[str, str]:
        """The header fields that the answer carries because of this failure."""
        after = self.retry_after_seconds
        return {} if after is None else {"Retry-After": str(after)}
