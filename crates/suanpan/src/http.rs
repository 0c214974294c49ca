//! Questions to servers of the operator's own: GET, a short answer, no secrets.

use crate::error::Trouble;
use std::sync::Arc;
use std::time::Duration;
use suanpan_webhooks::target::{Policy, SystemResolver, Target};
use suanpan_webhooks::wire::{Bounds, Bytes, Method, Request, Wire};

/// Metrics of a server are some tens of kilobytes.
const BODY_BYTES_MAX: usize = 4 << 20;
/// What is asked for is in memory: who does not answer in this time is not well.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(3),
    total: Duration::from_secs(10),
    body: Duration::from_secs(10),
    body_bytes: BODY_BYTES_MAX,
};

/// What a server said.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Asks a server, whatever the status of its answer is.
pub(crate) fn get(url: &str) -> Result<Got, Trouble> {
    let policy = Policy::development();
    let target = Target::parse(url, &policy).map_err(|error| {
        Trouble::new("url", format!("this is no address to ask: {error}"))
            .at(url)
            .next("write http://host:port")
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Trouble::new("threads", format!("the system gives no more descriptors: {error}"))
            .at("this process")
            .next("raise the limits of this user: ulimit -a")
    })?;
    let wire = Wire::new(policy, Arc::new(SystemResolver));
    let request = Request { method: Method::GET, headers: &[], body: Bytes::new() };
    let answer = runtime.block_on(wire.exchange(&target, request, BOUNDS)).map_err(|error| {
        Trouble::new("unreachable", format!("no answer: {error}"))
            .at(url)
            .next("check that it runs, and that this machine may reach it")
    })?;
    Ok(Got { status: answer.status.as_u16(), body: answer.body })
}
