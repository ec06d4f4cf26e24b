//! davit-api
