//! Products and prices of the catalogue.

use crate::StripeBilling;
use domain::ports::billing::{BillingError, CataloguePrice};
use std::collections::HashMap;
use stripe_product::price::{CreatePrice, CreatePriceRecurring, CreatePriceRecurringInterval, ListPrice};
use stripe_product::product::{CreateProduct, RetrieveProduct};
use stripe_shared::{Price, RecurringInterval};
use types::billing::Interval;

/// Metadata of a price that says which of our plans it belongs to; prices without it are none of ours.
pub const PLAN: &str = "plan";

impl StripeBilling {
    pub(crate) async fn sync_catalogue(&self, prices: &[CataloguePrice]) -> Result<Vec<String>, BillingError> {
        let mut done = Vec::new();
        for wanted in prices {
            let product = format!("coditect_{}", wanted.plan.as_str().to_lowercase());
            match self.send(None, &RetrieveProduct::new(product.as_str())).await {
                Ok(_) => {}
                Err(BillingError::Refused { code, .. }) if code == "resource_missing" => {
                    self.send(Some(&format!("product-{product}")), &CreateProduct::new(wanted.product_name.as_str()).id(product.as_str()))
                        .await?;
                    done.push(format!("product {product} created"));
                }
                Err(other) => return Err(other),
            }
            let there = self.price(&wanted.key).await?;
            if there.as_ref().is_some_and(|p| is_as_wanted(p, wanted)) {
                continue;
            }
            // A price never changes at Stripe. The new one takes the key over; whoever has the old one keeps it.
            let currency: stripe_types::Currency =
                wanted.unit_price.currency.parse().map_err(|_| BillingError::Unexpected("currency".to_owned()))?;
            let interval = match wanted.interval {
                Interval::Month => CreatePriceRecurringInterval::Month,
                Interval::Year => CreatePriceRecurringInterval::Year,
            };
            let metadata = HashMap::from([(PLAN.to_owned(), wanted.plan.as_str().to_owned())]);
            let create = CreatePrice::new(currency)
                .product(product.as_str())
                .unit_amount(wanted.unit_price.minor)
                .recurring(CreatePriceRecurring::new(interval))
                .lookup_key(wanted.key.as_str())
                .transfer_lookup_key(true)
                .metadata(metadata);
            let key = format!("price-{}-{}-{}", wanted.key, wanted.unit_price.minor, wanted.unit_price.currency);
            self.send(Some(&key), &create).await?;
            done.push(format!("price {}: {} {}", wanted.key, wanted.unit_price, wanted.interval.per()));
        }
        Ok(done)
    }

    /// The price that the key finds.
    pub(crate) async fn price(&self, key: &str) -> Result<Option<Price>, BillingError> {
        let found = self.send(None, &ListPrice::new().lookup_keys(vec![key.to_owned()]).active(true)).await?;
        Ok(found.data.into_iter().next())
    }

    /// The id of the price that the key finds.
    pub(crate) async fn price_id(&self, key: &str) -> Result<String, BillingError> {
        match self.price(key).await? {
            Some(price) => Ok(price.id.to_string()),
            None => Err(BillingError::Unexpected(format!("no price {key}: run `portal admin sync-catalogue`"))),
        }
    }
}

fn is_as_wanted(there: &Price, wanted: &CataloguePrice) -> bool {
    let interval = there.recurring.as_ref().map(|r| &r.interval);
    there.unit_amount == Some(wanted.unit_price.minor)
        && there.currency.to_string() == wanted.unit_price.currency
        && matches!(
            (interval, wanted.interval),
            (Some(RecurringInterval::Month), Interval::Month) | (Some(RecurringInterval::Year), Interval::Year)
        )
        && there.metadata.get(PLAN).map(String::as_str) == Some(wanted.plan.as_str())
}
