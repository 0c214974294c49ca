//! `[[code]]`: whose a code is that a customer shows.

use super::At;
use crate::error::Trouble;
use serde::Deserialize;
use suanpan_messages::payment_code::{CodeError, CodeRule, Place};

/// A rule of the table of codes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Code {
    wallet: String,
    first: String,
    last: String,
    digits: (usize, usize),
    #[serde(default)]
    fixed: Vec<FixedDigit>,
}

/// A digit at a place: from 0 at the left, or from 1 at the right.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FixedDigit {
    left: Option<usize>,
    right: Option<usize>,
    digit: char,
}

/// Reads the table of codes.
pub(super) fn rules(at: &At<'_>, codes: Vec<Code>) -> Result<Vec<CodeRule>, Trouble> {
    let place = |fixed: &FixedDigit| match (fixed.left, fixed.right) {
        (Some(left), None) => Ok((Place::Left(left), fixed.digit)),
        (None, Some(right)) => Ok((Place::Right(right), fixed.digit)),
        (None, None) | (Some(_), Some(_)) => Err(at.wrong(
            "a fixed digit stands at no place, or at two",
            "say either left, from 0, or right, from 1",
        )),
    };
    let rule = |code: Code| {
        Ok(CodeRule {
            fixed: code.fixed.iter().map(place).collect::<Result<_, Trouble>>()?,
            wallet: code.wallet,
            first: code.first,
            last: code.last,
            digits: code.digits,
        })
    };
    let rules = codes.into_iter().map(rule).collect::<Result<Vec<_>, Trouble>>()?;
    // Tables are checked whatever code is asked about.
    match suanpan_messages::payment_code::wallet(&rules, "0") {
        Err(error @ CodeError::Rule(_)) => {
            Err(at.wrong(error, "give first and last as many digits, and digits as the fewest and the most"))
        }
        _ => Ok(rules),
    }
}
