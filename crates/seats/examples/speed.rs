use domain::ports::seats::*;
use seats::RedisSeats;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;
use types::*;
use types::licenses::*;
#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).unwrap();
    let seats = Arc::new(RedisSeats::connect_with_deadline(&url, std::time::Duration::from_secs(60)).await.unwrap());
    let n = 20000u128;
    let mut reqs = vec![];
    for t in 0..64u128 {
        let tenant = TenantId(Uuid::from_u128(t));
        let l = LicenseLimits { id: LicenseId(Uuid::from_u128(t+1000)), key: format!("k{t}"), tier: Tier::Pro, features: vec![], status: LicenseStatus::Active, max_seats: 100000, overage_percent: 0, expires_at_ms: None, lease_seconds: 360, heartbeat_seconds: 300, offline_seconds: 259200, offline_cap: 200000, show_holders: true };
        seats.put_entitlement(&Entitlement { tenant, version: 1, suspended: false, licenses: vec![l] }).await.unwrap();
        seats.put_member(&MemberCopy { tenant, user: UserId(Uuid::from_u128(t)), epoch: 1, holds_seat: true, name: "n".into(), email: "e".into() }).await.unwrap();
    }
    for i in 0..n {
        let t = i % 64;
        reqs.push(Acquire { tenant: TenantId(Uuid::from_u128(t)), user: UserId(Uuid::from_u128(t)), epoch: 1, license: LicenseChoice::Any, hardware_id: format!("hw{i}"), instance_id: "default".into(), hostname: Some("h".into()), client_version: Some("1".into()), session: SessionId(Uuid::from_u128(rand::random())) });
    }
    let reqs = Arc::new(reqs);
    for what in ["acquire", "heartbeat", "renew"] {
        let start = Instant::now();
        let mut tasks = vec![];
        for w in 0..64usize {
            let (seats, reqs) = (seats.clone(), reqs.clone());
            tasks.push(tokio::spawn(async move {
                for r in reqs.iter().skip(w).step_by(64) {
                    match what {
                        "acquire" => { seats.acquire(r).await.unwrap(); }
                        "heartbeat" => { let a = seats.heartbeat(&Heartbeat { tenant: r.tenant, user: r.user, epoch: 1, session: r.session }).await.unwrap(); assert!(matches!(a, HeartbeatAnswer::Extended{..})); }
                        _ => { let mut r = r.clone(); r.session = SessionId(Uuid::from_u128(rand::random())); seats.acquire(&r).await.unwrap(); }
                    }
                }
            }));
        }
        for t in tasks { t.await.unwrap(); }
        let pid = std::env::args().nth(2).unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let f: Vec<&str> = stat.split(' ').collect();
        let cpu: f64 = (f[13].parse::<f64>().unwrap() + f[14].parse::<f64>().unwrap()) / 100.0;
        println!("{what}: {:.0}/s cpu total {cpu}", n as f64 / start.elapsed().as_secs_f64());
    }
}
