"""How often somebody may guess: each wrong password makes the next try wait longer."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

FREE_TRIES = 3
FIRST_WAIT_S = 30.0  # after the free tries; doubled by every further one
WAIT_S_MAX = 3600.0
FORGOTTEN_AFTER_S = 3600.0  # beyond the wait
KEYS_MAX = 10_000  # names, and as many addresses
NAME_CHARS_MAX = 64
IPV6_OWN_BITS = 64  # one household has at least so many addresses


@dataclass
class _Tries:
    count: int = 0
    tried_at: float = 0.0
    wait_s: float = 0.0


class Lockout:
    """Counts tries by account and by address.

    A try is counted before it is evaluated, so that a thousand at once are a thousand tries. Who
    succeeds clears the account's count, and takes only this one try off the address's: an account
    of one's own must not buy guesses at others. It is kept in memory: a restart forgets it, and
    nobody outside can restart the house.
    """

    def __init__(self) -> None:
        self._names: OrderedDict[str, _Tries] = OrderedDict()
        self._addresses: OrderedDict[str, _Tries] = OrderedDict()

    def try_now(self, name: str, address: str, now: float) -> float:
        """Count a try and return 0, or return how many seconds to wait; then nothing is counted.

        Args:
            name: the account; whether it exists does not matter.
            address: where the try comes from.
            now: the house's clock.
        """
        counted = (
            (self._names, _account(name)),
            (self._addresses, _network(address)),
        )
        wait_s = max(_wait_s(tries, key, now) for tries, key in counted)
        if wait_s > 0:
            return wait_s
        for tries, key in counted:
            _count(tries, key, now)
        return 0.0

    def succeeded(self, name: str, address: str) -> None:
        """Forget the tries of an account, and this one of its address: the owner is here."""
        self.clear(name)
        found = self._addresses.get(_network(address))
        if found is not None:
            found.count -= 1
            found.wait_s = 0.0  # the last one is over, or this try had not been admitted

    def clear(self, name: str) -> None:
        """Forget the tries of an account: its owner has come in another way."""
        self._names.pop(_account(name), None)


def _wait_s(tries: OrderedDict[str, _Tries], key: str, now: float) -> float:
    found = tries.get(key)
    return 0.0 if found is None else found.tried_at + found.wait_s - now


def _count(tries: OrderedDict[str, _Tries], key: str, now: float) -> None:
    found = tries.get(key)
    if found is None or now > found.tried_at + found.wait_s + FORGOTTEN_AFTER_S:
        found = tries[key] = _Tries()
    found.count += 1
    found.tried_at = now
    found.wait_s = _backed_off_s(found.count)
    tries.move_to_end(key)
    while len(tries) > KEYS_MAX:
        tries.popitem(last=False)


def _backed_off_s(count: int) -> float:
    if count < FREE_TRIES:
        return 0.0
    doublings = min(count - FREE_TRIES, 20)  # more would overflow long after the maximum
    return min(FIRST_WAIT_S * 2.0**doublings, WAIT_S_MAX)


def _account(name: str) -> str:
    return name.casefold()[:NAME_CHARS_MAX]


def _network(address: str) -> str:
    """Return whose address it is: whole for IPv4, the household's network for IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> IPV6_OWN_BITS << IPV6_OWN_BITS))
