//! Which of a card's applications are taken.

use std::collections::VecDeque;
use suanpan_messages::emv::answer::Application;

/// The registered identifier of UnionPay: its debit, credit and quasi-credit applications begin with it.
const UNIONPAY: [u8; 5] = [0xA0, 0x00, 0x00, 0x03, 0x33];

/// What the applications that are taken begin with.
pub const ACCEPTED: [[u8; 5]; 1] = [UNIONPAY];

/// A card of this world offers a handful.
const CANDIDATES_MAX: usize = 8;

/// Keeps what is taken here, in the order of the directory. Of a contactless payment nobody is asked which, so one that
/// must be confirmed is left out.
pub(crate) fn candidates(applications: Vec<Application>) -> VecDeque<Application> {
    let taken = |application: &Application| {
        !application.confirm && ACCEPTED.iter().any(|accepted| application.name.starts_with(accepted))
    };
    applications.into_iter().filter(taken).take(CANDIDATES_MAX).collect()
}
