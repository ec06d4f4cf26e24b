//! Integration tests of the engine.

mod queue;
