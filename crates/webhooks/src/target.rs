//! Where a message may go.
//!
//! A merchant writes the URL of an endpoint, and our server calls it from inside our network. So nothing inside
//! may be reachable that way: not by a URL, not by a name that resolves to an inner address, and not by a name
//! that resolves to an outer address when it is looked at and to an inner one when it is called. The addresses
//! of a name are therefore looked up for each attempt, all of them are judged, and exactly those are called.

pub mod address;

use crate::Error;
use crate::limits::{ADDRESSES, URL_CHARS};
use address::{Network, special};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use url::{Host, Url};

/// Ports whose servers speak something else, and could take lines of a message for their own commands:
/// the list of WHATWG Fetch, 2.9, and Redis (6379), memcached (11211).
const BAD_PORTS: &[u16] = &[
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103,
    104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514,
    515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723,
    2049, 3659, 4045, 4190, 5060, 5061, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080,
    11_211,
];

/// What may be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Plain HTTP too. Meant for test mode, where receivers stand on a developer's machine.
    pub plain_http: bool,
    /// Loopback and private networks too (`--allow-private-webhooks`). For development only.
    pub private: bool,
    /// These networks too, whatever is in them.
    pub networks: Vec<Network>,
}

impl Policy {
    /// Returns what live mode permits: https to the open internet.
    #[must_use]
    pub fn live() -> Policy {
        Policy::default()
    }

    /// Returns what endpoints of a mode may be: in live mode https, in test mode plain HTTP too; at private addresses
    /// only where the operator allows it.
    #[must_use]
    pub fn of_endpoints(live: bool, private: bool) -> Policy {
        Policy { plain_http: !live, private, networks: Vec::new() }
    }

    /// Returns what this permits for events of a mode.
    #[must_use]
    pub fn of_mode(&self, live: bool) -> Policy {
        Policy { plain_http: self.plain_http && !live, ..self.clone() }
    }

    /// Returns what a developer's machine needs: everything but link-local addresses, where clouds keep
    /// credentials of machines, and addresses that are no single host's.
    #[must_use]
    pub fn development() -> Policy {
        Policy { plain_http: true, private: true, networks: Vec::new() }
    }

    /// Permits everything: for what somebody names on his own machine, and never for what others name.
    #[must_use]
    pub fn anywhere() -> Policy {
        let all = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
        Policy { plain_http: true, private: true, networks: all.map(Network::all_like).to_vec() }
    }

    fn permits(&self, host: &str, address: IpAddr) -> Result<(), Error> {
        let Some(kind) = special(address) else { return Ok(()) };
        let inner = matches!(special(address.to_canonical()), Some("loopback" | "private"));
        if self.private && inner || self.networks.iter().any(|network| network.contains(address)) {
            return Ok(());
        }
        Err(Error::Address { host: host.to_owned(), address, kind })
    }
}

/// A URL that has passed everything that can be said without asking for addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whether keys are agreed on first.
    pub(crate) tls: bool,
    /// The host as names of certificates have it, without brackets.
    pub(crate) host: String,
    /// The port, also when the URL leaves it out.
    pub(crate) port: u16,
    /// What stands in `Host`.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path: String,
    literal: Option<IpAddr>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

impl Target {
    /// Reads a URL, for instance when an endpoint is made; it is judged again at each attempt.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::NotHttps`], [`Error::UserInfo`], [`Error::Port`], [`Error::Address`] for a
    /// URL with an address in place of a name.
    pub fn parse(text: &str, policy: &Policy) -> Result<Target, Error> {
        let refused = |reason: &str| Error::Url { url: shown(text), reason: reason.to_owned() };
        if text.chars().count() > URL_CHARS {
            return Err(refused("it is too long"));
        }
        // What is called shall be what is shown: the parser would quietly drop these.
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(refused("it has blanks or control characters"));
        }
        let url = Url::parse(text).map_err(|error| refused(&error.to_string()))?;
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(refused("only https and http are spoken")),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| refused("it has no host"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::UserInfo { host: host.to_owned() });
        }
        if !tls && !policy.plain_http {
            return Err(Error::NotHttps { url: shown(text) });
        }
        let port = url.port_or_known_default().ok_or_else(|| refused("it has no port"))?;
        if BAD_PORTS.contains(&port) {
            return Err(Error::Port { host: host.to_owned(), port });
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        if let Some(address) = literal {
            policy.permits(host, address)?;
        }
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let path =
            url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Target { tls, host, port, authority, path, literal })
    }

    /// Returns path and query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns a target on the same server with another path, which begins with `/`.
    #[must_use]
    pub fn with_path(&self, path: &str) -> Target {
        Target { path: path.to_owned(), ..self.clone() }
    }

    /// Finds the addresses to call, all of them permitted.
    ///
    /// # Errors
    /// [`Error::Resolve`]; [`Error::Address`] when any is not permitted: a name that is outside and inside at
    /// once is an attack, or about to become an accident.
    pub async fn addresses(
        &self,
        resolver: &dyn Resolver,
        policy: &Policy,
    ) -> Result<Vec<SocketAddr>, Error> {
        if let Some(address) = self.literal {
            policy.permits(&self.host, address)?;
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let failed = |source| Error::Resolve { host: self.host.clone(), source };
        let found = resolver.lookup(&self.host, self.port).await.map_err(failed)?;
        if found.is_empty() || found.len() > ADDRESSES {
            let text = format!("{} addresses", found.len());
            return Err(failed(io::Error::new(io::ErrorKind::InvalidData, text)));
        }
        for address in &found {
            policy.permits(&self.host, address.ip())?;
        }
        // Whatever port the resolver says, the one of the URL was judged.
        Ok(found.iter().map(|found| SocketAddr::new(found.ip(), self.port)).collect())
    }
}

/// A URL for an error: without what could be a password, and not endless.
fn shown(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    match (text.find("//"), text.rfind('@')) {
        (Some(start), Some(at)) if start < at => format!("{}…{}", &text[..start + 2], &text[at..]),
        (None, Some(at)) => format!("…{}", &text[at..]),
        _ => text,
    }
}

/// What a lookup will give.
pub type Lookup<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Gives the addresses of names.
pub trait Resolver: Send + Sync {
    /// Looks a name up.
    fn lookup<'a>(&'a self, host: &'a str, port: u16) -> Lookup<'a>;
}

/// The resolver of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn lookup<'a>(&'a self, host: &'a str, port: u16) -> Lookup<'a> {
        Box::pin(
            async move { Ok(tokio::net::lookup_host((host, port)).await?.take(ADDRESSES + 1).collect()) },
        )
    }
}

/// Names with fixed addresses, and no others: for tests, and for networks without a resolver.
#[derive(Debug, Clone, Default)]
pub struct FixedResolver {
    names: BTreeMap<String, Vec<IpAddr>>,
}

impl FixedResolver {
    /// Adds a name.
    #[must_use]
    pub fn with(mut self, host: &str, addresses: &[IpAddr]) -> FixedResolver {
        self.names.insert(host.to_owned(), addresses.to_vec());
        self
    }
}

impl Resolver for FixedResolver {
    fn lookup<'a>(&'a self, host: &'a str, port: u16) -> Lookup<'a> {
        let found = self.names.get(host).map(|all| all.iter().map(|ip| SocketAddr::new(*ip, port)).collect());
        let none = || io::Error::new(io::ErrorKind::NotFound, "no such name");
        Box::pin(std::future::ready(found.ok_or_else(none)))
    }
}

#[cfg(test)]
mod tests;
