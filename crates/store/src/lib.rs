//! The books and objects of a cell, in SQLite or PostgreSQL: all SQL stands here.

pub mod commit;
