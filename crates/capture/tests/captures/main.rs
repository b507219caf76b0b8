//! Captures of every kind, made by small builders, read through the public door.

mod build;
mod corpus;
mod damage;
mod damaged;
mod formats;
mod golden;
mod metering;
mod packed;
mod properties;
mod real;
mod zip_batches;
