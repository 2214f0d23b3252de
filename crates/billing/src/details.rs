//! Who pays: company, address, VAT number, purchase order.

use crate::StripeBilling;
use domain::ports::billing::{BillingError, Details};
use std::collections::HashMap;
use stripe_billing::tax_id::{CreateCustomerTaxId, CreateCustomerTaxIdType, DeleteCustomerTaxId, ListCustomerTaxId};
use stripe_core::customer::{
    CreateCustomer, CustomFieldParams, OptionalFieldsCustomerAddress, UpdateCustomer, UpdateCustomerInvoiceSettings,
};
use stripe_shared::{Customer, TaxId};
use types::TenantId;

/// How a purchase order is called on an invoice.
const PURCHASE_ORDER: &str = "Purchase order";

impl StripeBilling {
    pub(crate) async fn create_customer(&self, key: &str, tenant: TenantId, name: &str, email: &str) -> Result<String, BillingError> {
        let metadata = HashMap::from([("tenant_id".to_owned(), tenant.to_string())]);
        let customer = self.send(Some(key), &CreateCustomer::new().name(name).email(email).metadata(metadata)).await?;
        self.check_mode(customer.livemode)?;
        Ok(customer.id.to_string())
    }

    pub(crate) async fn update_details(&self, key: &str, customer: &str, details: &Details) -> Result<(), BillingError> {
        // First what can be refused, so that nothing is half done.
        self.set_vat_number(key, customer, details).await?;
        let mut address = OptionalFieldsCustomerAddress::new();
        address.line1 = Some(details.line1.clone());
        address.line2 = Some(details.line2.clone());
        address.postal_code = Some(details.postal_code.clone());
        address.city = Some(details.city.clone());
        address.country = Some(details.country.clone());
        let mut invoices = UpdateCustomerInvoiceSettings::new();
        invoices.custom_fields = Some(match details.purchase_order.as_str() {
            "" => Vec::new(),
            order => vec![CustomFieldParams::new(PURCHASE_ORDER, order)],
        });
        let update = UpdateCustomer::new(customer)
            .name(details.company.as_str())
            .email(details.email.as_str())
            .address(address)
            .invoice_settings(invoices);
        self.send(Some(key), &update).await.map(drop)
    }

    async fn set_vat_number(&self, key: &str, customer: &str, details: &Details) -> Result<(), BillingError> {
        let known = self.send(None, &ListCustomerTaxId::new(customer)).await?.data;
        if known.iter().any(|id| id.value == details.vat_number) {
            return Ok(());
        }
        if !details.vat_number.is_empty() {
            let kind = tax_id_type(&details.country, &details.vat_number);
            self.send(Some(&format!("{key}-vat")), &CreateCustomerTaxId::new(customer, kind, details.vat_number.as_str())).await?;
        }
        for old in known {
            self.send(None, &DeleteCustomerTaxId::new(customer, old.id.as_str())).await?;
        }
        Ok(())
    }
}

/// Stripe's name for the number's form. <https://docs.stripe.com/billing/customer/tax-ids#supported-tax-id>
fn tax_id_type(country: &str, number: &str) -> CreateCustomerTaxIdType {
    use CreateCustomerTaxIdType::{
        AeTrn, AuAbn, BrCnpj, CaBn, ChVat, EuVat, GbVat, InGst, IsVat, JpTrn, KrBrn, MxRfc, NoVat, NzGst, SgGst, TrTin, UsEin, ZaVat,
    };
    // Northern Ireland, and Greece's own letters, are part of the EU's scheme.
    if number.starts_with("XI") || number.starts_with("EL") {
        return EuVat;
    }
    match country {
        "AE" => AeTrn,
        "AU" => AuAbn,
        "BR" => BrCnpj,
        "CA" => CaBn,
        "CH" | "LI" => ChVat,
        "GB" => GbVat,
        "IN" => InGst,
        "IS" => IsVat,
        "JP" => JpTrn,
        "KR" => KrBrn,
        "MX" => MxRfc,
        "NO" => NoVat,
        "NZ" => NzGst,
        "SG" => SgGst,
        "TR" => TrTin,
        "US" => UsEin,
        "ZA" => ZaVat,
        _ => EuVat,
    }
}

/// What Stripe knows of the customer, in our words.
pub fn details(customer: &Customer, tax_ids: &[TaxId]) -> Details {
    let address = customer.address.as_ref();
    let text = |value: Option<&Option<String>>| value.cloned().flatten().unwrap_or_default();
    let orders = customer.invoice_settings.as_ref().and_then(|s| s.custom_fields.as_ref());
    Details {
        company: customer.name.clone().unwrap_or_default(),
        email: customer.email.clone().unwrap_or_default(),
        line1: text(address.map(|a| &a.line1)),
        line2: text(address.map(|a| &a.line2)),
        postal_code: text(address.map(|a| &a.postal_code)),
        city: text(address.map(|a| &a.city)),
        country: text(address.map(|a| &a.country)),
        vat_number: tax_ids.first().map(|id| id.value.clone()).unwrap_or_default(),
        purchase_order: orders
            .and_then(|fields| fields.iter().find(|f| f.name == PURCHASE_ORDER))
            .map(|f| f.value.clone())
            .unwrap_or_default(),
    }
}
