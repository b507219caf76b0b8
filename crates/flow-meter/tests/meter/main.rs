//! The meter from the outside: frames in, records out.

mod flows;
mod packets;
mod properties;
