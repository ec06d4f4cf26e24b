//! davit-store
