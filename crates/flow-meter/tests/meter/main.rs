//! The meter from the outside: frames in, records out.

mod cic;
mod flows;
mod packets;
mod properties;
mod splits;
mod tunnels;
