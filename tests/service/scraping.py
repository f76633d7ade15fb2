"""What /metrics shows, as a test wants to read it."""

import httpx


def shown(text: str) -> dict[str, float]:
    """Samples by their name and labels, as they are written."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return {name: float(number) for name, _, number in (line.rpartition(" ") for line in lines)}


async def scraped(client: httpx.AsyncClient) -> dict[str, float]:
    return shown((await client.get("/metrics")).text)
