//! What the engine, the rules and the store say, as problems.

use super::{Problem, kind};
use axum::http::StatusCode;
use std::borrow::Cow;
use suanpan_engine::{HistoryReadError, NotQueued, Refused};
use suanpan_payments::rejection::{ErrorType, Rejection};
use suanpan_store::StoreError;

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Problem {
        let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let mut problem = Problem::new(status, rejection.code(), rejection.to_string());
        problem.0.kind = match rejection.error_type() {
            ErrorType::InvalidRequest => kind::INVALID_REQUEST,
            ErrorType::Card => kind::CARD,
            ErrorType::Idempotency => kind::IDEMPOTENCY,
            ErrorType::Api => kind::API,
        };
        problem.0.decline_code = rejection.decline_code().map(Cow::Borrowed);
        problem.0.retryable = rejection.retryable();
        match rejection.param() {
            Some(param) => problem.at(param),
            None => problem,
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        let text = refused.to_string();
        match refused {
            Refused::Rule(rejection) => rejection.into(),
            Refused::Books(rejection) => {
                let problem = Problem::new(StatusCode::CONFLICT, rejection.code(), text);
                if rejection.retryable() { problem.retryable() } else { problem }
            }
            Refused::Batch(_) => Problem::new(StatusCode::BAD_REQUEST, "batch_invalid", text),
            Refused::KeyReused => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Problem::new(status, "idempotency_key_reused", text).kind(kind::IDEMPOTENCY)
            }
            Refused::KeyInUse => {
                let problem = Problem::new(StatusCode::CONFLICT, "idempotency_key_in_use", text);
                problem.kind(kind::IDEMPOTENCY).retry_after(1)
            }
            Refused::NotQueued(NotQueued::Full { retry_after_ms, .. }) => {
                Problem::too_many("queue_full", text, retry_after_ms.div_ceil(1_000))
            }
            Refused::NotQueued(NotQueued::Closed) | Refused::Standby => {
                Problem::unavailable("This process does not write now; another one does, or will soon.", 1)
            }
            Refused::Unavailable(reason) => {
                tracing::error!(reason, "the store cannot be written");
                Problem::unavailable("The store cannot be written now. Nothing was done.", 1)
            }
            Refused::Unknown(reason) => {
                tracing::error!(reason, "whether a request was done is not known");
                Problem::outcome_unknown()
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        tracing::error!(%error, "the store cannot be read");
        Problem::unavailable("The store cannot be read now.", 1)
    }
}

impl From<HistoryReadError> for Problem {
    fn from(error: HistoryReadError) -> Problem {
        match error {
            HistoryReadError::Store(error) => error.into(),
            HistoryReadError::Behind { .. } | HistoryReadError::Incomplete { .. } => {
                Problem::unavailable(&error.to_string(), 1)
            }
            HistoryReadError::History(_)
            | HistoryReadError::Journal(_)
            | HistoryReadError::Contradiction { .. } => Problem::fault(&error),
        }
    }
}
