//! The pure rules: tables, an independent oracle, metamorphic properties, and mutations that must be
//! caught.

mod language;
mod mutations;
mod oracle;
mod properties;
mod tables;
mod world;
