"""The one table."""

from __future__ import annotations

from collections.abc import Mapping

from bench.measure import Figure

HEADINGS = ("", "operation", "ours", "by hand", "ratio", "target", "", "statements", "memory", "growth")


def table(found: Mapping[tuple[str, str], Mapping[int, Figure]], sizes: list[int]) -> str:
    """One row for each operation and size, as a Markdown table."""
    rows = [HEADINGS, tuple("---" for _ in HEADINGS)]
    for (kind, _), figures in found.items():
        for customers, figure in figures.items():
            rows.append(_row(kind, customers, figure, _growth(figures, sizes)))
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADINGS))]
    return "\n".join(
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in rows
    )


def line(kind: str, customers: int, figure: Figure) -> str:
    """One figure, as soon as it is there, with what every form took."""
    took = ", ".join(f"{name} {_time(taken)}" for name, taken in figure.more.items())
    return f"{' | '.join(_row(kind, customers, figure, '')[:7])} | {took}"


def _row(kind: str, customers: int, figure: Figure, growth: str) -> tuple[str, ...]:
    case = figure.case
    return (
        f"{kind} {_size(customers)}",
        case.name,
        _time(figure.ours),
        f"{_time(figure.best)} {figure.by}" if figure.by else "",
        _ratio(figure.ratio) if figure.by else "",
        _target(figure),
        {True: "met", False: "MISSED", None: ""}[figure.met],
        str(figure.statements),
        f"{figure.memory / 2**20:.1f} MiB",
        growth,
    )


def _target(figure: Figure) -> str:
    case = figure.case
    if case.steady:
        return f"{figure.first} statements"
    if case.most is not None:
        return _time(case.most)
    if case.limit is None:
        return ""
    limit = _ratio(case.limit) if case.limit < 0.1 else f"{case.limit:g}"
    return limit + (f" + {_time(case.slack)}" if case.slack else "")


def _ratio(ratio: float) -> str:
    return f"1/{1 / ratio:.0f}" if 0 < ratio < 0.1 else f"{ratio:.2f}"


def _growth(figures: Mapping[int, Figure], sizes: list[int]) -> str:
    small, large = figures.get(sizes[0]), figures.get(sizes[-1])
    if len(sizes) < 2 or small is None or large is None:
        return ""
    return f"{large.ours / small.ours:.1f}"


def _size(customers: int) -> str:
    if customers < 1_000:
        return str(customers)
    return f"{customers // 1_000_000}M" if customers >= 1_000_000 else f"{customers // 1000}k"


def _time(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} us"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
