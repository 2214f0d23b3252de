//! Who pays: shown, and open to change for those who may.

use super::BillingDetails;
use crate::ui::{Field, Form, FormError, Select, Sending, SubmitButton};
use domain::billing::view::Billing;
use leptos::prelude::*;

const FIELDS: &[&str] = &["company", "email", "line1", "line2", "postal_code", "city", "country", "vat_number", "purchase_order"];

/// Company, address, VAT number and purchase order, as they stand on invoices.
#[component]
pub fn Details(slug: String, billing: Billing) -> impl IntoView {
    if !billing.may_change || !billing.for_sale {
        return ().into_any();
    }
    let action = Sending::to::<BillingDetails>();
    let problem = action.problem;
    let d = billing.details;
    let complete = !d.line1.is_empty();
    let open = problem.get_untracked().is_some() || crate::page::filled("edit").is_some_and(|what| what == "details");
    let summary = if complete {
        [d.company.clone(), d.line1.clone(), format!("{} {}", d.postal_code, d.city), country_name(&d.country), d.vat_number.clone()]
            .into_iter()
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ")
    } else {
        "Not given yet. Without them invoices carry only the organization’s name.".to_owned()
    };
    let countries = std::iter::once((String::new(), "Choose…".to_owned()))
        .chain(COUNTRIES.iter().map(|(code, name)| ((*code).to_owned(), (*name).to_owned())))
        .collect();
    view! {
        <details class="card group" open=open>
            <summary class="card-head cursor-pointer border-b-0 group-open:border-b">
                <span class="min-w-0">
                    <h2 class="inline">"Billing details"</h2>
                    <span class="block truncate text-sm text-ink-3 group-open:hidden">{summary}</span>
                </span>
                <span class="link text-sm group-open:hidden">"Edit"</span>
            </summary>
            <Form action=action class="card-body grid gap-4">
                <FormError problem=problem fields=FIELDS/>
                <input type="hidden" name="organization" value=slug/>
                <div class="grid gap-4 sm:grid-cols-2">
                    <Field label="Company" name="company" value=d.company autocomplete="organization" maxlength=150 problem=problem/>
                    <Field label="Email for invoices" name="email" kind="email" value=d.email autocomplete="email" problem=problem/>
                </div>
                <Field label="Street and number" name="line1" value=d.line1 autocomplete="address-line1" maxlength=200 problem=problem/>
                <Field label="Second line" name="line2" value=d.line2 required=false autocomplete="address-line2" maxlength=200 problem=problem/>
                <div class="grid gap-4 sm:grid-cols-3">
                    <Field label="Postal code" name="postal_code" value=d.postal_code required=false autocomplete="postal-code" maxlength=20 problem=problem/>
                    <Field label="City" name="city" value=d.city autocomplete="address-level2" maxlength=100 problem=problem/>
                    <Select label="Country" name="country" options=countries selected=d.country problem=problem/>
                </div>
                <div class="grid gap-4 sm:grid-cols-2">
                    <Field
                        label="VAT number"
                        name="vat_number"
                        value=d.vat_number
                        required=false
                        maxlength=30
                        help="With its country’s letters, such as DE123456789."
                        problem=problem
                    />
                    <Field
                        label="Purchase order"
                        name="purchase_order"
                        value=d.purchase_order
                        required=false
                        maxlength=30
                        help="Stands on every invoice from now on."
                        problem=problem
                    />
                </div>
                <div>
                    <SubmitButton>"Save details"</SubmitButton>
                </div>
            </Form>
        </details>
    }
    .into_any()
}

fn country_name(code: &str) -> String {
    COUNTRIES.iter().find(|(c, _)| *c == code).map_or_else(|| code.to_owned(), |(_, name)| (*name).to_owned())
}

/// ISO 3166-1 codes and common English names, of where invoices can be sent.
#[rustfmt::skip]
const COUNTRIES: &[(&str, &str)] = &[
    ("AF", "Afghanistan"), ("AX", "Åland Islands"), ("AL", "Albania"), ("DZ", "Algeria"), ("AD", "Andorra"), ("AO", "Angola"),
    ("AI", "Anguilla"), ("AG", "Antigua and Barbuda"), ("AR", "Argentina"), ("AM", "Armenia"), ("AW", "Aruba"), ("AU", "Australia"),
    ("AT", "Austria"), ("AZ", "Azerbaijan"), ("BS", "Bahamas"), ("BH", "Bahrain"), ("BD", "Bangladesh"), ("BB", "Barbados"),
    ("BY", "Belarus"), ("BE", "Belgium"), ("BZ", "Belize"), ("BJ", "Benin"), ("BM", "Bermuda"), ("BT", "Bhutan"), ("BO", "Bolivia"),
    ("BA", "Bosnia and Herzegovina"), ("BW", "Botswana"), ("BR", "Brazil"), ("VG", "British Virgin Islands"), ("BN", "Brunei"),
    ("BG", "Bulgaria"), ("BF", "Burkina Faso"), ("BI", "Burundi"), ("CV", "Cabo Verde"), ("KH", "Cambodia"), ("CM", "Cameroon"),
    ("CA", "Canada"), ("KY", "Cayman Islands"), ("CF", "Central African Republic"), ("TD", "Chad"), ("CL", "Chile"), ("CN", "China"),
    ("CO", "Colombia"), ("KM", "Comoros"), ("CG", "Congo (Brazzaville)"), ("CD", "Congo (Kinshasa)"), ("CK", "Cook Islands"),
    ("CR", "Costa Rica"), ("HR", "Croatia"), ("CW", "Curaçao"), ("CY", "Cyprus"), ("CZ", "Czechia"), ("CI", "Côte d’Ivoire"),
    ("DK", "Denmark"), ("DJ", "Djibouti"), ("DM", "Dominica"), ("DO", "Dominican Republic"), ("EC", "Ecuador"), ("EG", "Egypt"),
    ("SV", "El Salvador"), ("GQ", "Equatorial Guinea"), ("ER", "Eritrea"), ("EE", "Estonia"), ("SZ", "Eswatini"), ("ET", "Ethiopia"),
    ("FK", "Falkland Islands"), ("FO", "Faroe Islands"), ("FJ", "Fiji"), ("FI", "Finland"), ("FR", "France"), ("GF", "French Guiana"),
    ("PF", "French Polynesia"), ("GA", "Gabon"), ("GM", "Gambia"), ("GE", "Georgia"), ("DE", "Germany"), ("GH", "Ghana"),
    ("GI", "Gibraltar"), ("GR", "Greece"), ("GL", "Greenland"), ("GD", "Grenada"), ("GP", "Guadeloupe"), ("GT", "Guatemala"),
    ("GG", "Guernsey"), ("GN", "Guinea"), ("GW", "Guinea-Bissau"), ("GY", "Guyana"), ("HT", "Haiti"), ("HN", "Honduras"),
    ("HK", "Hong Kong"), ("HU", "Hungary"), ("IS", "Iceland"), ("IN", "India"), ("ID", "Indonesia"), ("IQ", "Iraq"), ("IE", "Ireland"),
    ("IM", "Isle of Man"), ("IL", "Israel"), ("IT", "Italy"), ("JM", "Jamaica"), ("JP", "Japan"), ("JE", "Jersey"), ("JO", "Jordan"),
    ("KZ", "Kazakhstan"), ("KE", "Kenya"), ("KI", "Kiribati"), ("XK", "Kosovo"), ("KW", "Kuwait"), ("KG", "Kyrgyzstan"),
    ("LA", "Laos"), ("LV", "Latvia"), ("LB", "Lebanon"), ("LS", "Lesotho"), ("LR", "Liberia"), ("LY", "Libya"),
    ("LI", "Liechtenstein"), ("LT", "Lithuania"), ("LU", "Luxembourg"), ("MO", "Macao"), ("MG", "Madagascar"), ("MW", "Malawi"),
    ("MY", "Malaysia"), ("MV", "Maldives"), ("ML", "Mali"), ("MT", "Malta"), ("MQ", "Martinique"), ("MR", "Mauritania"),
    ("MU", "Mauritius"), ("YT", "Mayotte"), ("MX", "Mexico"), ("MD", "Moldova"), ("MC", "Monaco"), ("MN", "Mongolia"),
    ("ME", "Montenegro"), ("MS", "Montserrat"), ("MA", "Morocco"), ("MZ", "Mozambique"), ("MM", "Myanmar"), ("NA", "Namibia"),
    ("NR", "Nauru"), ("NP", "Nepal"), ("NL", "Netherlands"), ("NC", "New Caledonia"), ("NZ", "New Zealand"), ("NI", "Nicaragua"),
    ("NE", "Niger"), ("NG", "Nigeria"), ("MK", "North Macedonia"), ("NO", "Norway"), ("OM", "Oman"), ("PK", "Pakistan"),
    ("PS", "Palestine"), ("PA", "Panama"), ("PG", "Papua New Guinea"), ("PY", "Paraguay"), ("PE", "Peru"), ("PH", "Philippines"),
    ("PL", "Poland"), ("PT", "Portugal"), ("PR", "Puerto Rico"), ("QA", "Qatar"), ("RO", "Romania"), ("RW", "Rwanda"),
    ("RE", "Réunion"), ("KN", "Saint Kitts and Nevis"), ("LC", "Saint Lucia"), ("VC", "Saint Vincent and the Grenadines"),
    ("WS", "Samoa"), ("SM", "San Marino"), ("SA", "Saudi Arabia"), ("SN", "Senegal"), ("RS", "Serbia"), ("SC", "Seychelles"),
    ("SL", "Sierra Leone"), ("SG", "Singapore"), ("SX", "Sint Maarten"), ("SK", "Slovakia"), ("SI", "Slovenia"),
    ("SB", "Solomon Islands"), ("SO", "Somalia"), ("ZA", "South Africa"), ("KR", "South Korea"), ("SS", "South Sudan"),
    ("ES", "Spain"), ("LK", "Sri Lanka"), ("SR", "Suriname"), ("SE", "Sweden"), ("CH", "Switzerland"), ("ST", "São Tomé and Príncipe"),
    ("TW", "Taiwan"), ("TJ", "Tajikistan"), ("TZ", "Tanzania"), ("TH", "Thailand"), ("TL", "Timor-Leste"), ("TG", "Togo"),
    ("TO", "Tonga"), ("TT", "Trinidad and Tobago"), ("TN", "Tunisia"), ("TM", "Turkmenistan"), ("TC", "Turks and Caicos Islands"),
    ("TV", "Tuvalu"), ("TR", "Türkiye"), ("UG", "Uganda"), ("UA", "Ukraine"), ("AE", "United Arab Emirates"), ("GB", "United Kingdom"),
    ("US", "United States"), ("UY", "Uruguay"), ("UZ", "Uzbekistan"), ("VU", "Vanuatu"), ("VA", "Vatican City"), ("VE", "Venezuela"),
    ("VN", "Vietnam"), ("WF", "Wallis and Futuna"), ("YE", "Yemen"), ("ZM", "Zambia"), ("ZW", "Zimbabwe"),
];
