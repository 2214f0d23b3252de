//! The sweeper, and the way of the events to their reader.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::*;
use domain::ports::seats::*;
use seats::keys::id;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

async fn events_left(world: &World) -> u64 {
    world.lua("local n = 0 for _, k in ipairs(redis.call('KEYS', '*:events')) do n = n + redis.call('XLEN', k) end return n", &[]).await
}

#[tokio::test]
async fn the_sweeper_closes_each_lease_once() {
    let world = World::new().await;
    let mut expected = HashMap::new();
    // Several tenants in one shard, and one in each other.
    for number in (1..=64).chain([65, 129]) {
        let tenant = world.tenant(number, 3, 3).await;
        for user in 0..3 {
            let request = tenant.acquire(user, "d");
            let grant = world.grant(&request).await;
            expected.insert(request.session, grant.expires_at_ms - LEASE);
        }
    }
    world.events().await;
    world.pass(LEASE - 60_000).await;
    assert_eq!(world.seats.sweep().await.unwrap(), 0, "none is due");
    assert!(world.events().await.is_empty());
    world.pass(60_000).await;
    let (a, b) = tokio::join!(world.seats.sweep(), world.seats.sweep());
    assert_eq!(a.unwrap() + b.unwrap(), 66 * 3);
    assert_eq!(world.seats.sweep().await.unwrap(), 0);
    let events = world.events().await;
    assert_eq!(events.len(), 66 * 3);
    for event in events {
        assert_eq!((event.kind, event.active, event.max_seats), (SeatEventKind::Expired, 0, 3));
        assert_eq!(expected.remove(&event.session), Some(event.at_ms), "ended at its end, not when it was swept");
    }
    for pattern in ["*:due", "*:leases:*", "*:own:*", "*:lics"] {
        assert_eq!(world.keys(pattern).await, [] as [&str; 0]);
    }
}

#[tokio::test]
async fn a_beat_keeps_a_lease_from_the_sweeper_and_many_leases_are_closed() {
    let world = World::new().await;
    let tenant = world.tenant(1, 3000, 1).await;
    let mut requests = Vec::new();
    for device in 0..2600 {
        requests.push(tenant.acquire(0, &device.to_string()));
    }
    futures::future::join_all(requests.iter().map(|r| world.grant(r))).await;
    assert_eq!(world.seats.snapshot(tenant.id).await.unwrap().holders.len(), 2600);
    world.pass(LEASE - 60_000).await;
    for request in requests.iter().step_by(100) {
        extended(world.beat(request).await);
    }
    world.pass(60_000).await;
    assert_eq!(world.active(&tenant).await, [26]);
    assert_eq!(world.seats.snapshot(tenant.id).await.unwrap().holders.len(), 26);
    // One start does not have to close them all to be right.
    assert_eq!(world.grant(&tenant.acquire(0, "new")).await.active, 27);
    let closed = world.kinds().await.iter().filter(|k| **k == SeatEventKind::Expired).count();
    assert_eq!(closed, 100);
    assert_eq!(world.seats.sweep().await.unwrap(), 2600 - 26 - 100);
    assert_eq!(world.active(&tenant).await, [27]);
    world.pass(LEASE).await;
    assert_eq!(world.seats.sweep().await.unwrap(), 27);
}

#[tokio::test]
async fn a_device_whose_lease_ran_out_among_many_still_has_one_seat() {
    let world = World::new().await;
    let tenant = world.tenant(1, 500, 1).await;
    let all: Vec<_> = (0..300).map(|device| tenant.acquire(0, &device.to_string())).collect();
    futures::future::join_all(all.iter().map(|r| world.grant(r))).await;
    world.pass(LEASE).await;
    // Beyond what one call closes, its own is closed in any case.
    let last = world.lua::<Vec<String>>("return redis.call('ZREVRANGE', redis.call('KEYS', '*:leases:*')[1], 0, 0)", &[]).await;
    let own = all.iter().find(|r| id(r.session.0) == last[0]).unwrap();
    let again = Acquire { session: session(), ..own.clone() };
    assert!(world.grant(&again).await.new_seat);
    assert_eq!(world.seats.sweep().await.unwrap(), 300 - 101);
    assert!(!world.grant(&Acquire { session: session(), ..own.clone() }).await.new_seat, "the sweeper has not touched the new one");
    assert_eq!(world.active(&tenant).await, [1]);
}

#[tokio::test]
async fn events_stay_until_they_are_acknowledged() {
    let world = World::new().await;
    let seats = &world.seats;
    assert_eq!(seats.read_events(10).await.unwrap(), [], "nothing yet, not even a stream");
    let tenant = world.tenant(1, 5, 5).await;
    for user in 0..5 {
        world.grant(&tenant.acquire(user, "d")).await;
    }
    assert_eq!(seats.read_events(0).await.unwrap(), []);
    let first = seats.read_events(3).await.unwrap();
    assert_eq!(first.len(), 3);
    // They come again, in order, until somebody says that they are safe: this reader may have died.
    let all = seats.read_events(100).await.unwrap();
    assert_eq!((all.len(), &all[..3]), (5, &first[..]));
    let positions: Vec<_> = first.iter().map(|(p, _)| p.clone()).collect();
    seats.acknowledge(&positions).await.unwrap();
    seats.acknowledge(&positions).await.unwrap();
    seats.acknowledge(&[]).await.unwrap();
    assert_eq!(seats.read_events(100).await.unwrap(), all[3..]);
    seats.acknowledge(&all.into_iter().map(|(p, _)| p).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(seats.read_events(100).await.unwrap(), []);
    assert_eq!(events_left(&world).await, 0);
}

#[tokio::test]
async fn a_lost_store_does_not_stop_reading() {
    let world = World::new().await;
    let tenant = world.tenant(1, 5, 5).await;
    world.grant(&tenant.acquire(0, "d")).await;
    let read = world.seats.read_events(10).await.unwrap();
    let () = world.lua("redis.call('FLUSHALL')", &[]).await;
    world.seats.acknowledge(&[read[0].0.clone()]).await.unwrap();
    assert_eq!(world.seats.read_events(10).await.unwrap(), []);
    let tenant = world.tenant(1, 5, 5).await;
    world.grant(&tenant.acquire(1, "d")).await;
    assert_eq!(world.kinds().await, [SeatEventKind::Acquired]);
}

#[tokio::test]
async fn no_more_than_asked_for_and_no_shard_is_starved() {
    let world = World::new().await;
    let mut expected = HashSet::new();
    for number in 0..64 {
        // One shard has far more than the others.
        let users = if number == 5 { 300 } else { 3 };
        let tenant = world.tenant(number, 1000, users).await;
        for user in 0..users {
            let request = tenant.acquire(user, "d");
            world.grant(&request).await;
            expected.insert(request.session);
        }
    }
    let mut shards = HashSet::new();
    for max in [1, 7, 64, 100, 1000, 1000] {
        let batch = world.seats.read_events(max).await.unwrap();
        assert!(batch.len() <= max && !batch.is_empty() || expected.is_empty(), "{max}: {}", batch.len());
        for (position, event) in &batch {
            assert!(expected.remove(&event.session), "twice");
            shards.insert(position.shard);
        }
        world.seats.acknowledge(&batch.into_iter().map(|(p, _)| p).collect::<Vec<_>>()).await.unwrap();
        if max == 100 {
            assert_eq!(shards.len(), 64, "172 of 489, and every shard had its turn");
        }
    }
    assert!(expected.is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_and_holds_up_no_other() {
    let world = World::new().await;
    let tenant = world.tenant(1, 5, 5).await;
    let code = "redis.call('XADD', ARGV[1], '*', 'kind', 'teleported', 'at', '1')
                redis.call('XADD', ARGV[1], '*', 'e', 'teleported\\n1')";
    let stream = format!("{}events", seats::keys::shard_prefix(1));
    let () = world.lua(code, &[&stream]).await;
    world.grant(&tenant.acquire(1, "d")).await;
    // Also for one who takes no more than there are of these.
    let read = world.seats.read_events(1).await.unwrap();
    assert_eq!(read.iter().map(|(_, e)| e.kind).collect::<Vec<_>>(), [SeatEventKind::Acquired]);
    assert_eq!(events_left(&world).await, 1);
    let code = "local kept = {}
        for _, entry in ipairs(redis.call('XRANGE', ARGV[1], '-', '+')) do kept[#kept + 1] = table.concat(entry[2], ' ') end
        return kept";
    let kept: Vec<String> = world.lua(code, &[&format!("{stream}:unreadable")]).await;
    assert_eq!(kept, ["kind teleported at 1", "e teleported\n1"]);
}

/// Readers that die between reading and storing, and between storing and acknowledging; a table with the event's name as key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_stored_exactly_once_although_readers_die() {
    let world = Arc::new(World::new().await);
    let table = Arc::new(std::sync::Mutex::new(HashMap::new()));
    let mut names = HashSet::new();
    for number in 0..40 {
        let tenant = world.tenant(number, 4, 6).await;
        for user in 0..6 {
            let request = tenant.acquire(user, "d");
            world.acquire(&request).await;
            world.acquire(&tenant.acquire(user, "d")).await;
            if user % 2 == 0 {
                world.release(&request).await;
            }
        }
        if number % 3 == 0 {
            world.pass(LEASE).await;
            world.seats.sweep().await.unwrap();
        }
    }
    let stream = "local all = {}
        for _, key in ipairs(redis.call('KEYS', '*:events')) do
            for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do
                for i = 2, #entry[2], 2 do
                    local fields = {}
                    for field in string.gmatch(entry[2][i], '[^\\n]+') do fields[#fields + 1] = field end
                    all[#all + 1] = fields[5] .. ' ' .. fields[7] .. ' ' .. fields[1]
                end
            end
        end
        return all";
    for name in world.lua::<Vec<String>>(stream, &[]).await {
        assert!(names.insert(name.clone()), "two events of the name {name}");
    }
    assert!(names.len() > 350, "{}", names.len());

    let readers = (0..4).map(|_| {
        let (world, table) = (world.clone(), table.clone());
        tokio::spawn(async move {
            while events_left(&world).await > 0 {
                let batch = world.seats.read_events(37).await.unwrap();
                if rand::random_ratio(1, 4) {
                    continue;
                }
                for (_, event) in &batch {
                    let name = format!("{} {} {}", id(event.session.0), event.fence, event.kind.as_str());
                    table.lock().unwrap().entry(name).or_insert_with(|| event.clone());
                }
                if rand::random_ratio(1, 4) {
                    continue;
                }
                world.seats.acknowledge(&batch.into_iter().map(|(p, _)| p).collect::<Vec<_>>()).await.unwrap();
            }
        })
    });
    for reader in readers {
        reader.await.unwrap();
    }
    assert_eq!(table.lock().unwrap().keys().cloned().collect::<HashSet<_>>(), names);
}
