"""Run ids: UUIDv7 (RFC 9562), made by us from the time and randomness handed in, so runs sort by time."""

from __future__ import annotations

import uuid


def run_id(at_micros: int, random: bytes) -> str:
    """A UUIDv7 for a time in UTC microseconds and 10 random bytes.

    >>> run_id(1_700_000_000_000_000, bytes(10))
    '018bcfe5-6800-7000-8000-000000000000'
    """
    tail = int.from_bytes(random[:10], "big")
    number = (at_micros // 1000 & (2**48 - 1)) << 80 | 0x7 << 76
    number |= (tail >> 62 & 0xFFF) << 64 | 0b10 << 62 | tail & (2**62 - 1)
    return str(uuid.UUID(int=number))
