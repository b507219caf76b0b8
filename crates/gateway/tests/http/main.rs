//! The gateway as its clients meet it: over HTTP, on a port of its own, with a pipeline behind it.

#![allow(clippy::unwrap_used, reason = "what cannot go on in a test says so by panicking")]

mod captures;
mod client;
mod door;
mod shelf;

mod access;
mod openapi;
mod predict;
mod results;
mod upload;
