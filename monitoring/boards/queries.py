"""PromQL that several dashboards share; ``where`` are label matchers, ``by`` labels to keep."""

from monitoring.boards.panels import Query

INTERVAL = "$__rate_interval"
MODEL = 'model=~"$model"'


def rate(series: str, where: str = "", window: str = INTERVAL) -> str:
    """Per second."""
    return f"rate({series}{{{where}}}[{window}])"


def total(series: str, by: str, where: str = "", window: str = INTERVAL) -> str:
    """The sum of rates by ``by``, or of all."""
    grouped = f"sum by ({by}) " if by else "sum"
    return f"{grouped}({rate(series, where, window)})"


def ratio(above: str, below: str) -> str:
    """One over the other; nothing where there is nothing below."""
    return f"{above} / ({below} > 0)"


def share(series: str, by: str, part: str, where: str = "", window: str = INTERVAL) -> str:
    """The share of a counter that also has the labels ``part``; 0 where there are none such."""
    grouped = f"sum by ({by}) " if by else "sum"
    these = ", ".join(filter(None, (where, part)))
    found = rate(series, these, window)
    return ratio(
        f"{grouped}({found} or 0 * {rate(series, where, window)})",
        total(series, by, where, window),
    )


def mean(series: str, by: str, where: str = "", window: str = INTERVAL) -> str:
    """Mean of a histogram's observations."""
    return ratio(
        total(f"{series}_sum", by, where, window), total(f"{series}_count", by, where, window)
    )


def quantile(q: float, series: str, by: str = "", where: str = "", window: str = INTERVAL) -> str:
    """A quantile of a histogram."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({q}, {total(f'{series}_bucket', labels, where, window)})"


def percentiles(series: str, where: str = "", by: str = "") -> list[Query]:
    """p50, p95 and p99."""
    label = f" {{{{{by}}}}}" if by else ""
    return [
        Query(quantile(q, series, by, where), f"p{q * 100:.0f}{label}") for q in (0.5, 0.95, 0.99)
    ]
