//! Runs one job of a workflow: in a sandbox, in a container, or on the machine itself.
//!
//! Knows neither the database nor forges nor people: what a job needs comes in as values, what it says goes out as
//! events.
