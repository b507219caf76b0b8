//! The busiest hosts of one side, in bounded room.
//!
//! Hosts lie in [`SHARDS`] shards by a hash of the address, so that a batch rewrites only the shards that it touched. A
//! shard remembers some hundred hosts and forgets the quietest when there are more, which is noted: a host may then be
//! counted too low by at most what was forgotten, never too high.

use crate::stats::{Count, HostCount, TopHosts};
use hashbrown::HashMap;
use prost::Message;
use std::net::IpAddr;

/// Shards of one side.
pub(crate) const SHARDS: usize = 32;
/// Hosts that a shard keeps when it has to forget.
const SHARD_HOSTS_KEPT: usize = 128;
/// Hosts at which it has to. The distance to [`SHARD_HOSTS_KEPT`] makes forgetting rare.
const SHARD_HOSTS_MAX: usize = 256;
/// Hosts of each order in an answer.
const TOP: usize = 10;

/// Hosts of one side of one capture.
#[derive(Debug, Clone, Default)]
pub(crate) struct HostTable {
    shards: [Shard; SHARDS],
}

#[derive(Debug, Clone, Default)]
struct Shard {
    hosts: HashMap<IpAddr, Count>,
    missed_flows_max: u64,
    missed_bytes_max: u64,
    is_dirty: bool,
}

impl HostTable {
    pub(crate) fn add(&mut self, address: IpAddr, count: Count) {
        let shard = &mut self.shards[shard_of(address)];
        shard.is_dirty = true;
        shard.hosts.entry(address).or_default().join(count);
        if shard.hosts.len() > SHARD_HOSTS_MAX {
            shard.forget_quietest();
        }
    }

    pub(crate) fn remove(&mut self, address: IpAddr, count: Count) {
        let shard = &mut self.shards[shard_of(address)];
        let Some(there) = shard.hosts.get_mut(&address) else { return };
        there.part(count);
        if there.flows == 0 {
            shard.hosts.remove(&address);
        }
        shard.is_dirty = true;
    }

    /// Shards that changed since the last call, with their bytes.
    pub(crate) fn take_dirty(&mut self) -> Vec<(usize, Vec<u8>)> {
        let dirty = self.shards.iter_mut().enumerate().filter(|(_, shard)| shard.is_dirty);
        dirty
            .map(|(at, shard)| {
                shard.is_dirty = false;
                (at, shard.body().encode_to_vec())
            })
            .collect()
    }

    /// Puts a stored shard in its place; `None` when it is damaged.
    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) -> Option<()> {
        *self.shards.get_mut(at)? = Shard::from_body(&ShardBody::decode(bytes).ok()?)?;
        Some(())
    }

    /// For readers.
    pub(crate) fn top(&self) -> TopHosts {
        let mut hosts: Vec<HostCount> = Vec::new();
        let mut top = TopHosts::default();
        for shard in &self.shards {
            hosts.extend(shard.hosts.iter().map(|(&address, &count)| HostCount { address, count }));
            top.missed_flows_max = top.missed_flows_max.max(shard.missed_flows_max);
            top.missed_bytes_max = top.missed_bytes_max.max(shard.missed_bytes_max);
        }
        // The address last, so that equal counts always come in the same order.
        hosts.sort_unstable_by_key(|host| (std::cmp::Reverse(host.count.flows), host.address));
        top.by_flows = hosts.iter().copied().take(TOP).collect();
        hosts.sort_unstable_by_key(|host| (std::cmp::Reverse(host.count.bytes), host.address));
        top.by_bytes = hosts.into_iter().take(TOP).collect();
        top
    }
}

impl Shard {
    /// Half of those kept have the most flows, the others the most bytes: a single huge flow must not be forgotten.
    fn forget_quietest(&mut self) {
        let mut hosts: Vec<(IpAddr, Count)> = self.hosts.drain().collect();
        hosts.sort_unstable_by_key(|(address, count)| (std::cmp::Reverse(count.flows), *address));
        let others = hosts.split_off(SHARD_HOSTS_KEPT / 2);
        self.hosts.extend(hosts);
        let mut others = others;
        others.sort_unstable_by_key(|(address, count)| (std::cmp::Reverse(count.bytes), *address));
        let forgotten = others.split_off(SHARD_HOSTS_KEPT - SHARD_HOSTS_KEPT / 2);
        self.hosts.extend(others);
        self.missed_flows_max += forgotten.iter().map(|(_, count)| count.flows).max().unwrap_or(0);
        self.missed_bytes_max += forgotten.iter().map(|(_, count)| count.bytes).max().unwrap_or(0);
    }

    fn body(&self) -> ShardBody {
        let mut hosts: Vec<_> = self.hosts.iter().collect();
        hosts.sort_unstable_by_key(|(address, _)| **address);
        let mut body = ShardBody {
            missed_flows_max: self.missed_flows_max,
            missed_bytes_max: self.missed_bytes_max,
            ..Default::default()
        };
        for (address, count) in hosts {
            match address {
                IpAddr::V4(v4) => body.addresses_v4.push(u32::from(*v4)),
                IpAddr::V6(v6) => body.addresses_v6.extend_from_slice(&v6.octets()),
            }
            body.counts.extend([count.flows, count.packets, count.bytes]);
        }
        body
    }

    fn from_body(body: &ShardBody) -> Option<Self> {
        let v4 = body.addresses_v4.iter().map(|bits| IpAddr::from(bits.to_be_bytes()));
        let (sixteens, rest) = body.addresses_v6.as_chunks::<16>();
        let addresses = v4.chain(sixteens.iter().map(|bytes| IpAddr::from(*bytes)));
        let (counts, odd) = body.counts.as_chunks::<3>();
        let hosts: HashMap<_, _> = addresses
            .zip(counts)
            .map(|(address, &[flows, packets, bytes])| (address, Count { flows, packets, bytes }))
            .collect();
        let is_whole = rest.is_empty() && odd.is_empty() && hosts.len() == counts.len();
        let (missed_flows_max, missed_bytes_max) = (body.missed_flows_max, body.missed_bytes_max);
        is_whole.then_some(Self { hosts, missed_flows_max, missed_bytes_max, is_dirty: false })
    }
}

/// A shard as stored: addresses in order, all IPv4 before all IPv6, and three counts each.
#[derive(Clone, PartialEq, Message)]
struct ShardBody {
    #[prost(uint64, tag = "1")]
    missed_flows_max: u64,
    #[prost(uint64, tag = "2")]
    missed_bytes_max: u64,
    #[prost(fixed32, repeated, tag = "3")]
    addresses_v4: Vec<u32>,
    #[prost(bytes = "vec", tag = "4")]
    addresses_v6: Vec<u8>,
    #[prost(uint64, repeated, tag = "5")]
    counts: Vec<u64>,
}

/// Must never change: stored shards rest on it.
fn shard_of(address: IpAddr) -> usize {
    let hash = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    let hash = match address {
        IpAddr::V4(v4) => v4.octets().iter().fold(0x811c_9dc5, hash),
        IpAddr::V6(v6) => v6.octets().iter().fold(0x811c_9dc5, hash),
    };
    (hash ^ hash >> 16) as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(number: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + number).to_be_bytes())
    }

    fn count(flows: u64, bytes: u64) -> Count {
        Count { flows, packets: flows, bytes }
    }

    #[test]
    fn two_thousand_hosts_are_counted_exactly_and_survive_their_bytes() {
        let mut table = HostTable::default();
        for round in 1..=3 {
            (0..2_000).for_each(|at| table.add(host(at), count(1, u64::from(at) * round)));
        }
        table.add("fe80::1".parse().expect("address"), count(9, 1));
        let mut again = HostTable::default();
        for (at, bytes) in table.take_dirty() {
            again.put(at, &bytes).expect("whole");
        }
        assert_eq!(table.take_dirty(), Vec::new());
        let top = again.top();
        assert_eq!(top, table.top());
        assert_eq!(
            top.by_flows[0],
            HostCount { address: "fe80::1".parse().expect("address"), count: count(9, 1) }
        );
        assert_eq!(top.by_flows[1], HostCount { address: host(0), count: count(3, 0) });
        assert_eq!(top.by_bytes[0].address, host(1_999));
        assert_eq!((top.missed_flows_max, top.missed_bytes_max), (0, 0));
    }

    #[test]
    fn in_a_flood_the_busy_ones_stay_and_the_error_is_told() {
        let mut table = HostTable::default();
        let (busy, huge) = (host(u32::from(u16::MAX) * 9), host(u32::from(u16::MAX) * 8));
        table.add(huge, count(1, 1 << 40));
        for at in 0..200_000 {
            table.add(host(at), count(1, 60));
            if at % 100 == 0 {
                table.add(busy, count(1, 60));
            }
        }
        let top = table.top();
        assert_eq!(top.by_flows[0].address, busy);
        assert!(top.by_flows[0].count.flows + top.missed_flows_max >= 2_000);
        assert!(top.by_flows[0].count.flows <= 2_000);
        assert_eq!(top.by_bytes[0], HostCount { address: huge, count: count(1, 1 << 40) });
        assert!(top.missed_flows_max > 0);
        assert!(table.shards.iter().all(|shard| shard.hosts.len() <= SHARD_HOSTS_MAX));
    }

    #[test]
    fn a_damaged_shard_is_none() {
        assert!(HostTable::default().put(0, &[1, 2, 3]).is_none());
        assert!(HostTable::default().put(SHARDS, &[]).is_none());
        let lame = ShardBody { addresses_v4: vec![1], ..Default::default() };
        assert!(
            HostTable::default().put(0, &lame.encode_to_vec()).is_some(),
            "an address without counts is skipped"
        );
        let odd = ShardBody { addresses_v4: vec![1], counts: vec![1], ..Default::default() };
        assert!(HostTable::default().put(0, &odd.encode_to_vec()).is_none());
    }
}
