//! Ways to the outside that take and give money, and their simulators.
