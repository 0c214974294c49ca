//! Which addresses are the open internet, by the special-purpose registries of IANA (RFC 6890 and its updates),
//! and which networks may be reached all the same.

use crate::Error;
use crate::limits::NETWORKS;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Says what kind of address this is when it is not one of the open internet.
///
/// Addresses of version 6 that carry one of version 4 (mapped, compatible, NAT64, 6to4, Teredo) are judged by
/// that too: what forwards them sends them there.
#[must_use]
pub fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special4(address),
        IpAddr::V6(address) => special6(address),
    }
}

fn special4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    Some(match (a, b, c) {
        (0, ..) => "unspecified",
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => "private",
        (100, 64..=127, _) => "shared with the carrier",
        (127, ..) => "loopback",
        (169, 254, _) => "link-local",
        (192, 0, 0) => "reserved for protocols",
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => "for documentation",
        (192, 88, 99) => "a relay of 6to4",
        (198, 18..=19, _) => "for benchmarks",
        (224..=239, ..) => "multicast",
        (240..=255, ..) => "reserved",
        _ => return None,
    })
}

fn special6(address: Ipv6Addr) -> Option<&'static str> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    Some(match s {
        [0, 0, 0, 0, 0, 0, 0, 0] => "unspecified",
        [0, 0, 0, 0, 0, 0, 0, 1] => "loopback",
        // Mapped, translated (RFC 2765) and compatible: whether they lead out is nothing to try.
        [0, 0, 0, 0, 0 | 0xffff, 0 | 0xffff, ..] => "version 4 in version 6",
        // NAT64 of the well-known prefix leads to the open internet when what it carries does.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => return special4(v4(high, low)),
        [0x64, 0xff9b, ..] => "NAT64 of the local network",
        [0x100, 0, 0, 0 | 1, ..] => "for discarding",
        [0x2001, 0, ..] => "Teredo",
        [0x2001, 0..=0x1ff, ..] => "reserved for protocols",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => "for documentation",
        [0x2002, high, low, ..] => return Some(special4(v4(high, low)).unwrap_or("6to4")),
        [0x5f00, ..] => "of segment routing",
        [0xfc00..=0xfdff, ..] => "private",
        [0xfe80..=0xfebf, ..] => "link-local",
        [0xfec0..=0xfeff, ..] => "site-local",
        [0xff00..=0xffff, ..] => "multicast",
        // ISATAP (RFC 5214) carries an address of version 4 behind any prefix.
        [0x2000..=0x3fff, _, _, _, 0 | 0x200, 0x5efe, high, low] => return special4(v4(high, low)),
        [0x2000..=0x3fff, ..] => return None,
        _ => "not assigned",
    })
}

/// A network such as `10.1.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads a network, or one address. Bits behind the prefix must be zero.
    ///
    /// # Errors
    /// [`Error::Network`].
    pub fn parse(text: &str) -> Result<Network, Error> {
        let wrong = || Error::Network { text: text.chars().take(64).collect() };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.trim().parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?,
            None => most,
        };
        let network = Network { address, bits };
        let zero = match address {
            IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
            IpAddr::V6(address) => u128::from(address),
        };
        let behind = u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
        if zero & behind == 0 { Ok(network) } else { Err(wrong()) }
    }

    /// Returns the network of all addresses of a version of IP, given its address of zeros.
    pub(super) fn all_like(zero: IpAddr) -> Network {
        Network { address: zero, bits: 0 }
    }

    /// Reads several, separated by commas.
    ///
    /// # Errors
    /// [`Error::Network`], [`Error::TooManyNetworks`].
    pub fn parse_list(text: &str) -> Result<Vec<Network>, Error> {
        if text.split(',').count() > NETWORKS {
            return Err(Error::TooManyNetworks);
        }
        text.split(',').map(|entry| Network::parse(entry.trim())).collect()
    }

    /// Says whether an address is in the network. One of version 4 that is mapped into version 6 counts as what
    /// it is.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let wide = |address: IpAddr| match address {
            IpAddr::V4(address) => (true, u128::from(u32::from(address)) << 96),
            IpAddr::V6(address) => (false, u128::from(address)),
        };
        let ((four, own), (other_four, other)) = (wide(self.address), wide(address.to_canonical()));
        let behind = u128::MAX.checked_shr(u32::from(self.bits)).unwrap_or(0);
        four == other_four && (own ^ other) & !behind == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_open_internet_are_not_special() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.1.2.3",
            "128.0.0.1",
            "169.253.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "192.169.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001:81b::200e",
            "64:ff9b::808:808",
            "2400:cb00::5efe:808:808",
        ] {
            assert_eq!(special(text.parse().unwrap()), None, "{text}");
        }
        for (text, kind) in [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("10.0.0.1", "private"),
            ("100.64.0.1", "shared with the carrier"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("169.254.169.254", "link-local"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.1", "reserved for protocols"),
            ("192.0.2.1", "for documentation"),
            ("192.88.99.1", "a relay of 6to4"),
            ("192.168.1.1", "private"),
            ("198.18.0.1", "for benchmarks"),
            ("198.51.100.1", "for documentation"),
            ("203.0.113.1", "for documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "reserved"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::ffff:127.0.0.1", "version 4 in version 6"),
            ("::ffff:8.8.8.8", "version 4 in version 6"),
            ("::ffff:0:10.0.0.1", "version 4 in version 6"),
            ("::10.0.0.1", "version 4 in version 6"),
            ("64:ff9b::10.0.0.1", "private"),
            ("64:ff9b::169.254.169.254", "link-local"),
            ("64:ff9b:1::8.8.8.8", "NAT64 of the local network"),
            ("64:ff9b:0:0:1::1", "NAT64 of the local network"),
            ("100::1", "for discarding"),
            ("2001::1", "Teredo"),
            ("2001:10::1", "reserved for protocols"),
            ("2001:db8::1", "for documentation"),
            ("3fff::1", "for documentation"),
            ("2002:7f00:1::1", "loopback"),
            ("2002:a00:1::", "private"),
            ("2002:808:808::1", "6to4"),
            ("2400:cb00::5efe:a00:1", "private"),
            ("2400:cb00::200:5efe:7f00:1", "loopback"),
            ("5f00::1", "of segment routing"),
            ("fc00::1", "private"),
            ("fd12::1", "private"),
            ("fe80::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
            ("4000::1", "not assigned"),
        ] {
            assert_eq!(special(text.parse().unwrap()), Some(kind), "{text}");
        }
    }

    #[test]
    fn networks_are_read_and_hold_what_is_in_them() {
        let network = |text| Network::parse(text).unwrap();
        let holds = |text, address: &str| network(text).contains(address.parse().unwrap());
        assert!(holds("10.1.0.0/16", "10.1.255.255") && !holds("10.1.0.0/16", "10.2.0.0"));
        assert!(holds("127.0.0.1", "127.0.0.1") && !holds("127.0.0.1", "127.0.0.2"));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("10.1.0.0/16", "::ffff:10.1.2.3"));
        assert!(holds("fd00::/8", "fdff::1") && !holds("fd00::/8", "fe00::1"));
        assert!(holds("::/0", "::1") && holds("::1", "::1"));
        for wrong in
            ["", "10.0.0.0/33", "10.0.0.1/8", "fd00::/129", "fd00::1/8", "10.0.0/8", "10.0.0.0/x", "a"]
        {
            assert_eq!(Network::parse(wrong).unwrap_err().code(), "network", "{wrong}");
        }
        assert_eq!(Network::parse_list("127.0.0.1, fd00::/8").unwrap().len(), 2);
        let many = vec!["127.0.0.1"; NETWORKS + 1].join(",");
        assert_eq!(Network::parse_list(&many).unwrap_err().code(), "too_many_networks");
    }
}
