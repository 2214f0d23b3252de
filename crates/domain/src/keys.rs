//! Licence keys: `CODITECT-XXXX-XXXX-XXXX`. The last group checks the rest, so that a typing error is told from an unknown key.

use crate::services::Services;
use sha2::{Digest, Sha256};

/// Digits and letters that cannot be mistaken for one another.
const ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";

fn check_group(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    digest.iter().take(4).map(|b| char::from(ALPHABET[usize::from(*b) % ALPHABET.len()])).collect()
}

/// A new key with 8 random characters (39 bits); it grants nothing by itself.
pub(crate) fn new_key(svc: &Services) -> String {
    let mut body = String::new();
    while body.len() < 8 {
        let mut byte = [0];
        svc.random.fill(&mut byte);
        // 240 is the largest multiple of 30 in a byte: no letter is likelier than another.
        if byte[0] < 240 {
            body.push(char::from(ALPHABET[usize::from(byte[0]) % ALPHABET.len()]));
        }
    }
    format!("CODITECT-{}-{}-{}", &body[..4], &body[4..], check_group(&body))
}

/// The key in its one spelling, or `None` where the last group does not fit the rest.
pub fn normalize(typed: &str) -> Option<String> {
    let upper: String = typed.trim().to_ascii_uppercase();
    let rest = upper.strip_prefix("CODITECT")?;
    let plain: String = rest.chars().filter(|c| *c != '-' && *c != ' ').collect();
    if plain.len() != 12 || !plain.bytes().all(|b| ALPHABET.contains(&b)) {
        return None;
    }
    let (body, check) = plain.split_at(8);
    (check_group(body) == check).then(|| format!("CODITECT-{}-{}-{check}", &body[..4], &body[4..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_how_people_type_it() {
        let key = format!("CODITECT-ABCD-2345-{}", check_group("ABCD2345"));
        assert_eq!(normalize(&key).as_deref(), Some(key.as_str()));
        assert_eq!(normalize(&format!("  {} ", key.to_lowercase().replace('-', " "))).as_deref(), Some(key.as_str()));
    }

    #[test]
    fn a_typing_error_is_seen() {
        let key = format!("CODITECT-ABCD-2345-{}", check_group("ABCD2345"));
        for wrong in [
            key.replace("ABCD", "ABCE"),
            key.replace('B', "I"),
            key[..key.len() - 1].to_owned(),
            "".into(),
            "CODITECT".into(),
            format!("{key}É"),
        ] {
            assert_eq!(normalize(&wrong), None, "{wrong}");
        }
    }
}
