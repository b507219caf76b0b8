//! The meter from the outside: frames in, records out.

mod cic;
mod flows;
mod links;
mod packets;
mod properties;
mod splits;
mod tunnels;
