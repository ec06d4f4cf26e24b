//! What workflow files mean: the corpus with its plans, mistakes with their places, expressions, and any text at all.

mod corpus;
mod errors;
mod expressions;
mod plans;
mod progress;
mod properties;
mod workflow_parser;
