//! Statements of banks, wallets, card networks and processors as records.
