//! Rules of payments: intents, captures, refunds and their API shapes.
