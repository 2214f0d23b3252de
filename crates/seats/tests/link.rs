//! A Redis that forgets, hangs, dies, refuses; and a Redis Cluster.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::*;
use domain::ports::seats::*;
use seats::keys::id;
use seats::{EvictionPolicy, RedisSeats};
use std::process::Command;
use std::time::Duration;
use test_support::redis::TestRedis;

/// Waits until calls work again.
async fn until_it_answers(seats: &RedisSeats) {
    let mut last = None;
    for _ in 0..600 {
        // Not `ping`: a replica answers that too.
        match seats.put_member(&Tenant::new(63, 1).member(0)).await {
            Ok(()) => return,
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("still {last:?}");
}

fn signal(redis: &TestRedis, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &redis.pid().to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn a_forgotten_library_is_given_again() {
    let world = World::new().await;
    let tenant = world.tenant(1, 200, 1).await;
    let first = tenant.acquire(0, "first");
    world.grant(&first).await;
    for _ in 0..3 {
        let () = redis::cmd("FUNCTION").arg("FLUSH").query_async(&mut world.raw.clone()).await.unwrap();
        let requests: Vec<_> = (0..50).map(|d| tenant.acquire(0, &d.to_string())).collect();
        futures::future::join_all(requests.iter().map(|r| world.grant(r))).await;
        extended(world.beat(&first).await);
    }
    // Once for all who found out at the same time, and at the first call of all.
    let stats: String = redis::cmd("INFO").arg("commandstats").query_async(&mut world.raw.clone()).await.unwrap();
    assert!(stats.contains("cmdstat_function|load:calls=4,"), "{stats}");
}

#[tokio::test]
async fn a_portal_does_not_begin_on_a_full_redis_without_its_library() {
    let redis = TestRedis::start();
    let mut raw = redis::Client::open(redis.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let mut limit = async |bytes: u64| {
        let () = redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(bytes).query_async(&mut raw).await.unwrap();
    };
    let begin = async || RedisSeats::connect_with_deadline(&redis.url(), PATIENCE).await;
    limit(1).await;
    let refused = begin().await.err().unwrap();
    assert!(refused.0.contains("maxmemory"), "{refused}");
    limit(0).await;
    begin().await.unwrap();
    limit(1).await;
    // What is there need not be loaded: a portal that crashed is back.
    begin().await.unwrap();
}

#[tokio::test]
async fn a_redis_that_is_away_is_an_error_and_then_is_back() {
    for redis in [TestRedis::start(), TestRedis::start_tcp(&[])] {
        let mut world = World::on(redis).await;
        // As the server has it.
        world.seats = RedisSeats::connect(&world.redis.url()).await.unwrap().into();
        let tenant = world.tenant(1, 2, 1).await;
        let request = tenant.acquire(0, "d");
        let grant = world.grant(&request).await;
        world.redis.kill();
        for _ in 0..5 {
            assert!(world.seats.ping().await.is_err());
            assert!(world.seats.heartbeat(&heartbeat(&request)).await.is_err());
            assert!(world.seats.sweep().await.is_err());
            assert!(world.seats.read_events(10).await.is_err());
        }
        assert!(RedisSeats::connect(&world.redis.url()).await.is_err());
        world.redis.restart();
        until_it_answers(&world.seats).await;
        // It is empty, and the client's token heals it.
        assert_eq!(world.beat(&request).await, HeartbeatAnswer::NotLive);
        world.seats.put_entitlement(&tenant.entitlement).await.unwrap();
        world.seats.put_member(&tenant.member(0)).await.unwrap();
        regranted(world.reacquire(&reacquire(&request, &grant)).await);
    }
}

#[tokio::test]
async fn a_redis_that_hangs_is_an_error_and_then_goes_on() {
    let world = World::new().await;
    let seats = RedisSeats::connect(&world.redis.url()).await.unwrap();
    let tenant = world.tenant(1, 2, 1).await;
    let request = tenant.acquire(0, "d");
    world.grant(&request).await;
    signal(&world.redis, "STOP");
    let calls = (0..100).map(|_| async { seats.heartbeat(&heartbeat(&request)).await });
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_err));
    let connecting = RedisSeats::connect(&world.redis.url()).await;
    signal(&world.redis, "CONT");
    assert!(connecting.is_err() || connecting.unwrap().ping().await.is_ok());
    until_it_answers(&seats).await;
    extended(seats.heartbeat(&heartbeat(&request)).await.unwrap().unwrap());
}

#[tokio::test]
async fn a_restart_that_kept_its_data_costs_nobody_a_seat() {
    let mut world = World::on(TestRedis::start_with(&["--appendonly", "yes", "--appendfsync", "always"])).await;
    let tenant = world.tenant(1, 50, 1).await;
    let requests: Vec<_> = (0..50).map(|d| tenant.acquire(0, &d.to_string())).collect();
    for request in &requests {
        world.grant(request).await;
    }
    world.redis.restart();
    until_it_answers(&world.seats).await;
    for request in &requests {
        extended(world.beat(request).await);
    }
    exhausted(world.refusal(&tenant.acquire(0, "new")).await);
    assert_eq!(world.kinds().await.len(), 51);
}

#[tokio::test]
async fn a_refused_password_and_a_demoted_master_do_not_stick() {
    let redis = TestRedis::start_tcp(&["--requirepass", "old"]);
    let url = format!("redis://:old@127.0.0.1:{}/", redis.port());
    let seats = RedisSeats::connect(&url).await.unwrap();
    seats.ping().await.unwrap();
    assert!(RedisSeats::connect(&redis.url()).await.is_err(), "a portal that may not speak to it does not begin");

    let mut admin = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let set = async |admin: &mut redis::aio::MultiplexedConnection, password: &str| {
        let () = redis::cmd("CONFIG").arg("SET").arg("requirepass").arg(password).query_async(admin).await.unwrap();
        let _: u32 = redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").arg("SKIPME").arg("yes").query_async(admin).await.unwrap();
    };
    set(&mut admin, "new").await;
    for _ in 0..5 {
        assert!(seats.ping().await.is_err());
    }
    set(&mut admin, "old").await;
    until_it_answers(&seats).await;

    // While it is a replica nothing can be written; the connection is asked again where the name leads.
    let () = redis::cmd("REPLICAOF").arg("127.0.0.1").arg("1").query_async(&mut admin).await.unwrap();
    for _ in 0..5 {
        assert!(seats.put_member(&Tenant::new(1, 1).member(0)).await.is_err());
    }
    let () = redis::cmd("REPLICAOF").arg("NO").arg("ONE").query_async(&mut admin).await.unwrap();
    until_it_answers(&seats).await;
}

#[tokio::test]
async fn the_eviction_policy_is_known() {
    for (arguments, maxmemory, policy, keeps) in [
        (&[][..], 0, "noeviction", true),
        (&["--maxmemory", "100mb"], 100 << 20, "noeviction", true),
        (&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"], 100 << 20, "allkeys-lru", false),
        (&["--maxmemory-policy", "volatile-ttl"], 0, "volatile-ttl", true),
    ] {
        let redis = TestRedis::start_with(arguments);
        let found = RedisSeats::connect(&redis.url()).await.unwrap().eviction_policy().await.unwrap();
        assert_eq!(found, EvictionPolicy { maxmemory, policy: policy.into() });
        assert_eq!(found.keeps_leases(), keeps);
    }
}

#[tokio::test]
async fn a_full_memory_refuses_whole_transitions() {
    let world = World::on(TestRedis::start_with(&["--maxmemory", "3mb"])).await;
    let tenant = world.tenant(1, 100_000, 1).await;
    let mut granted = Vec::new();
    let refused = loop {
        let request = tenant.acquire(0, &format!("{}{}", "x".repeat(100), granted.len()));
        match world.seats.acquire(&request).await {
            Ok(Ok(AcquireAnswer::Granted(grant))) => granted.push((request, *grant)),
            Err(error) => break (error, request),
            Ok(other) => panic!("{other:?}"),
        }
    };
    assert!(refused.0.to_string().contains("OOM"), "{}", refused.0);
    // What was granted is there, what was refused left nothing.
    let snapshot = world.seats.snapshot(tenant.id).await.unwrap();
    assert_eq!(snapshot.holders.len(), granted.len());
    assert_eq!(world.keys(&format!("*{}", id(refused.1.session.0))).await, [] as [&str; 0]);
    let held: usize = world.lua("return redis.call('ZCARD', redis.call('KEYS', '*:leases:*')[1])", &[]).await;
    assert_eq!(held, granted.len());
    assert!(held > 10, "{held}");
    // Who holds a seat keeps it, also with fresh copies, and may give it back.
    world.seats.put_entitlement(&Entitlement { version: 2, ..tenant.entitlement.clone() }).await.unwrap();
    world.seats.put_member(&tenant.member(0)).await.unwrap();
    for (request, _) in &granted {
        extended(world.beat(request).await);
    }
    let (request, grant) = &granted[0];
    assert!(world.seats.acquire(&Acquire { session: session(), ..request.clone() }).await.is_err());
    assert!(world.seats.reacquire(&reacquire(request, grant)).await.is_err());
    assert_eq!(world.release(request).await, ReleaseAnswer::Released);
    world.revoke(&granted[1].0).await.unwrap();
    world.pass(LEASE).await;
    assert_eq!(world.seats.sweep().await.unwrap() as usize, granted.len() - 2);
    // The events can be read, which gives their memory back.
    assert_eq!(world.events().await.len(), 2 * granted.len());
}

#[tokio::test]
async fn a_url_that_cannot_be_read_is_an_error() {
    for url in ["", "http://localhost", "redis+cluster://", "redis://127.0.0.1:1/", "redis+cluster://127.0.0.1:1"] {
        assert!(RedisSeats::connect(url).await.is_err(), "{url}");
    }
}

/// Three masters with a third of the slots each.
async fn cluster() -> (Vec<TestRedis>, String) {
    let nodes: Vec<_> = (0..3).map(|_| TestRedis::start_tcp(&["--cluster-enabled", "yes", "--cluster-node-timeout", "5000"])).collect();
    let mut connections = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        let mut connection = redis::Client::open(node.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
        let (first, last) = (16384 * i / 3, 16384 * (i + 1) / 3 - 1);
        let () = redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(first).arg(last).query_async(&mut connection).await.unwrap();
        for other in &nodes[..i] {
            let () = redis::cmd("CLUSTER").arg("MEET").arg("127.0.0.1").arg(other.port()).query_async(&mut connection).await.unwrap();
        }
        connections.push(connection);
    }
    for connection in &mut connections {
        for round in 0.. {
            let info: String = redis::cmd("CLUSTER").arg("INFO").query_async(connection).await.unwrap();
            if info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3") {
                break;
            }
            assert!(round < 600, "{info}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let hosts: Vec<_> = nodes.iter().map(|n| format!("127.0.0.1:{}", n.port())).collect();
    let url = format!("redis+cluster://{}", hosts.join(","));
    (nodes, url)
}

#[tokio::test]
async fn everything_works_on_a_cluster() {
    let (nodes, url) = cluster().await;
    let seats = RedisSeats::connect_with_deadline(&url, PATIENCE).await.unwrap();
    seats.ping().await.unwrap();
    assert!(seats.eviction_policy().await.unwrap().keeps_leases());
    // Shards on all three nodes; the calls meet a node that does not know the library.
    for number in 0..64 {
        let tenant = Tenant::new(number, 2);
        let missing = seats.acquire(&tenant.acquire(0, "d")).await.unwrap();
        assert_eq!(missing, Err(Missing { entitlement: true, member: true }));
        seats.put_entitlement(&tenant.entitlement).await.unwrap();
        seats.put_member(&tenant.member(0)).await.unwrap();
        let [a, b, c] = ["{a}", "b}:{s1}", "c"].map(|device| tenant.acquire(0, device));
        let AcquireAnswer::Granted(grant) = seats.acquire(&a).await.unwrap().unwrap() else { panic!() };
        assert!(matches!(seats.acquire(&b).await.unwrap().unwrap(), AcquireAnswer::Granted(_)));
        assert!(matches!(seats.acquire(&c).await.unwrap().unwrap(), AcquireAnswer::Refused(Refusal::Exhausted(_))));
        extended(seats.heartbeat(&heartbeat(&a)).await.unwrap().unwrap());
        regranted(seats.reacquire(&reacquire(&a, &grant)).await.unwrap().unwrap());
        assert_eq!(seats.snapshot(tenant.id).await.unwrap().holders.len(), 2);
        assert_eq!(seats.active(tenant.id, &[grant.license.id]).await.unwrap(), [2]);
        assert!(seats.find(tenant.id, a.session).await.unwrap().is_some());
        assert_eq!(seats.release(tenant.id, a.user, a.session).await.unwrap(), ReleaseAnswer::Released);
        assert!(seats.revoke(tenant.id, b.session, "x", 60).await.unwrap().is_some());
    }
    let mut used = 0;
    for node in &nodes {
        let mut connection = redis::Client::open(node.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
        let size: u64 = redis::cmd("DBSIZE").query_async(&mut connection).await.unwrap();
        used += u32::from(size > 0);
    }
    assert_eq!(used, 3);
    assert_eq!(seats.sweep().await.unwrap(), 0);
    let mut events = 0;
    loop {
        let batch = seats.read_events(50).await.unwrap();
        if batch.is_empty() {
            break;
        }
        events += batch.len();
        seats.acknowledge(&batch.into_iter().map(|(p, _)| p).collect::<Vec<_>>()).await.unwrap();
    }
    assert_eq!(events, 64 * 5);
}
