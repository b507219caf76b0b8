//! The meter from the outside: frames in, records out.

mod cic;
mod corpus;
mod flows;
mod links;
mod packets;
mod properties;
mod splits;
mod tunnels;
