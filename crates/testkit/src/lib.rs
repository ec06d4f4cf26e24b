//! davit-testkit
