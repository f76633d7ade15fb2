"""What can go wrong with Triton on this machine; each message names the part and the remedy.

TritonError
├── MissingPartError   something the server needs is not on this machine
├── RepositoryError    the repository, or a model asked for, is not there
├── StartError         the server ended, or was not ready in time
└── RestartError       the server kept ending soon after each restart
"""


class TritonError(Exception):
    """The root: whoever runs Triton catches this one and shows its message."""


class MissingPartError(TritonError):
    """The platform, the wheel or one of its parts does not fit."""


class RepositoryError(TritonError):
    """The repository, or a model asked for, is not there."""


class StartError(TritonError):
    """The server did not become ready; the message has its reason or its last log lines."""


class RestartError(TritonError):
    """The server ended too often in a row for another restart to make sense."""
