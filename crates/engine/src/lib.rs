//! davit-engine
