"""End with status 0 when this machine's PORT answers PATH with 200: an image needs no curl for it.

python -IS healthcheck.py PORT PATH
"""

import http.client
import sys


def answers(port: int, path: str) -> bool:
    """Whether the answer, within 3 s, is 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


if __name__ == "__main__":
    sys.exit(not answers(int(sys.argv[1]), sys.argv[2]))
