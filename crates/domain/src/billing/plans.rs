//! What is sold: the catalogue `plans.json`, which also creates the provider's products and prices.

use crate::error::{Error, Result};
use crate::ports::billing::CataloguePrice;
use crate::services::Services;
use serde::Deserialize;
use std::sync::LazyLock;
use types::billing::{Interval, Money};
use types::licenses::{FingerprintTolerance, Tier};

/// The catalogue as it is checked in.
const CATALOGUE: &str = include_str!("../../plans.json");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    plans: Vec<Plan>,
}

/// One plan: what a licence on it allows, and what a seat costs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub name: Tier,
    pub product_sku: String,
    pub features: Vec<String>,
    /// Without a purchase or grant that says otherwise.
    pub seats: u32,
    pub lease_seconds: u32,
    pub heartbeat_seconds: u32,
    pub offline_hours: u32,
    /// Absent is twice the seats.
    #[serde(default)]
    pub offline_cap: Option<u32>,
    /// 0 is a hard stop at the limit.
    pub overage_percent: u32,
    pub show_holders: bool,
    pub fingerprint_tolerance: FingerprintTolerance,
    /// Of one seat; empty for what cannot be bought.
    pub prices: Vec<Price>,
}

/// The price of one seat.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The provider's lookup key.
    pub key: String,
    pub interval: Interval,
    /// In the smallest unit of the currency.
    pub unit_amount: i64,
    pub currency: String,
}

impl Price {
    pub fn money(&self) -> Money {
        Money::new(self.unit_amount, &self.currency)
    }
}

#[allow(clippy::expect_used, reason = "the file is compiled in, and a test reads it")]
static PLANS: LazyLock<Vec<Plan>> =
    LazyLock::new(|| serde_json::from_str::<Catalogue>(CATALOGUE).expect("plans.json is a catalogue").plans);

/// The plan of that name.
#[allow(clippy::expect_used, reason = "a test finds a plan for every tier")]
pub fn plan(tier: Tier) -> &'static Plan {
    PLANS.iter().find(|p| p.name == tier).expect("the catalogue has every tier")
}

/// The price of a PRO seat, by how often it is charged.
pub fn price(interval: Interval) -> Result<&'static Price> {
    plan(Tier::Pro)
        .prices
        .iter()
        .find(|p| p.interval == interval)
        .ok_or_else(|| Error::Internal(format!("the catalogue has no price {}", interval.per())))
}

/// Creates at the provider what the catalogue names and is not there yet. Says what was done; repeatable.
pub async fn sync_catalogue(svc: &Services) -> Result<Vec<String>> {
    let prices: Vec<CataloguePrice> = PLANS
        .iter()
        .flat_map(|plan| {
            plan.prices.iter().map(|price| CataloguePrice {
                key: price.key.clone(),
                plan: plan.name,
                product_name: format!("{} {}", svc.settings.product_name, title(plan.name)),
                unit_price: price.money(),
                interval: price.interval,
            })
        })
        .collect();
    Ok(super::provider(svc)?.sync_catalogue(&prices).await?)
}

/// "Pro"
pub fn title(tier: Tier) -> &'static str {
    match tier {
        Tier::Free => "Free",
        Tier::Pro => "Pro",
        Tier::Enterprise => "Enterprise",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_whole() {
        assert_eq!(PLANS.iter().map(|p| p.name).collect::<Vec<_>>(), Tier::ALL);
        for plan in PLANS.iter() {
            assert!(plan.heartbeat_seconds < plan.lease_seconds, "{:?}", plan.name);
            assert!(plan.prices.iter().all(|p| p.unit_amount > 0));
        }
        for interval in Interval::ALL {
            assert_eq!(price(*interval).unwrap().interval, *interval);
        }
        let mut keys: Vec<&str> = PLANS.iter().flat_map(|p| &p.prices).map(|p| p.key.as_str()).collect();
        keys.dedup();
        assert_eq!(keys.len(), 2, "a key names one price");
    }
}
