"""Keys of network addresses in rate limits."""

import pytest

from notifygate.domain.address import counted_address


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::ffff", "2001:db8:1:2::/64"), ("2001:db8:1:3::", "2001:db8:1:3::/64"), ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"), ("::ffff:192.0.2.1", "192.0.2.1"), ("::ffff:c000:201", "192.0.2.1"),
        ("::ffff:192.0.2.1%3", "192.0.2.1"), ("unknown", "unknown"), ("", ""),
        ("192.0.2.1:4711", "192.0.2.1"), ("[2001:db8:1:2::3]:4711", "2001:db8:1:2::/64"), ("[::1]", "::/64"),
        ("[::ffff:192.0.2.1]:80", "192.0.2.1"), ("[fe80::1%eth0]:80", "fe80::/64"), ("unknown:80", "unknown:80"),
        ("[unknown]:80", "[unknown]:80"), ("192.0.2.1:", "192.0.2.1:"), ("[]:80", "[]:80"), ("999.0.2.1:80", "999.0.2.1:80"),
    ],
)  # fmt: skip
def test_address_is_counted_with_the_network_of_one_host(address: str, counted: str) -> None:
    assert counted_address(address) == counted
