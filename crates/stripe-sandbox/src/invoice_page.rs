//! The page of an invoice, and its PDF.

use crate::form::Params;
use crate::html::{self, escape};
use crate::invoices;
use crate::pages::{Page, not_found};
use crate::proration::money;
use crate::state::{State, int, text};

/// `GET /invoice/{id}`
pub fn show(state: &State, id: &str, error: Option<&str>) -> Page {
    let Some(invoice) = state.find("invoice", id) else { return not_found() };
    let currency = text(invoice, "currency");
    let lines = invoice["lines"]["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows: String = lines
        .iter()
        .map(|line| {
            let amount = money(int(line, "amount"), currency);
            format!(r#"<tr><td>{}</td><td class="number">{amount}</td></tr>"#, escape(text(line, "description")))
        })
        .collect();
    let mut content = format!(
        r#"<p class="amount">{}</p><p>Status: {}</p>
<table><thead><tr><th scope="col">Description</th><th scope="col">Amount</th></tr></thead><tbody>{rows}</tbody></table>
<p><a href="/invoice/{id}/pdf">Download PDF</a></p>"#,
        money(int(invoice, "amount_due"), currency),
        text(invoice, "status"),
    );
    if let Some(error) = error {
        content += &format!(r#"<p class="error" role="alert">{}</p>"#, escape(error));
    }
    if invoice["status"] == "open" {
        content += &format!(r#"<form method="post" action="/invoice/{id}/pay"><button type="submit">Pay</button></form>"#);
    }
    Page::Html(200, html::page(&format!("Invoice {}", invoice["number"].as_str().unwrap_or("draft")), &content))
}

/// `POST /invoice/{id}/pay`: with the customer's card.
pub fn pay(state: &mut State, id: &str) -> Page {
    if state.find("invoice", id).is_none() {
        return not_found();
    }
    match invoices::pay(state, id, &Params::default()) {
        Ok(_) => Page::Redirect(format!("/invoice/{id}")),
        Err(error) => show(state, id, error.body()["error"]["message"].as_str()),
    }
}

/// `GET /invoice/{id}/pdf`
pub fn pdf(state: &State, id: &str) -> Page {
    let Some(invoice) = state.find("invoice", id) else { return not_found() };
    let mut lines = vec![
        format!("Invoice {}", invoice["number"].as_str().unwrap_or("draft")),
        "Stripe sandbox - no money moves".to_owned(),
        format!("Status: {}", text(invoice, "status")),
    ];
    for line in invoice["lines"]["data"].as_array().into_iter().flatten() {
        lines.push(format!("{}: {} cents", text(line, "description"), int(line, "amount")));
    }
    lines.push(format!("Amount due: {} cents {}", int(invoice, "amount_due"), text(invoice, "currency")));
    Page::Pdf(write_pdf(&lines))
}

/// One page of text in Helvetica.
fn write_pdf(lines: &[String]) -> Vec<u8> {
    // The font knows Latin letters only, and brackets would end a string.
    let plain = |line: &str| -> String {
        let letter = |one: char| if one.is_ascii_graphic() || one == ' ' { one } else { 'x' };
        line.chars().map(letter).filter(|one| !matches!(one, '(' | ')' | '\\')).collect()
    };
    let shown: String = lines.iter().map(|line| format!("({}) Tj T* ", plain(line))).collect();
    let stream = format!("BT /F1 12 Tf 16 TL 72 770 Td {shown}ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(file.len());
        file += &format!("{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let start = file.len();
    let entries: String = places.iter().map(|place| format!("{place:010} 00000 n \n")).collect();
    let count = objects.len() + 1;
    file +=
        &format!("xref\n0 {count}\n0000000000 65535 f \n{entries}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    file.into_bytes()
}
