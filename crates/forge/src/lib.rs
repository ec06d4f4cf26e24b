//! davit-forge
