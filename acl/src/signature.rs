//! The signature of a request.
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use std::{fmt, str::FromStr};

/// How a request is signed. The broker must be set to the same; both ACL versions of Apache
/// RocketMQ take HmacSHA1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SignatureAlgorithm {
    /// `HmacSHA1`.
    #[default]
    HmacSha1,
    /// `HmacSHA256`.
    HmacSha256,
}

impl SignatureAlgorithm {
    /// The name in configurations, as Java spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HmacSHA1",
            Self::HmacSha256 => "HmacSHA256",
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SignatureAlgorithm {
    type Err = crate::SettingsError;

    /// Takes the names of Java in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::HmacSha1, Self::HmacSha256]
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| crate::SettingsError::UnknownAlgorithm(text.into()))
    }
}

/// The signature of a request, in Base64: the HMAC of all field values, in the order of the
/// fields' names, and then of the body.
///
/// `fields` are (name, value), sorted by name, with `AccessKey` and `SecurityToken`; one of the
/// name `Signature` is left out.
pub fn sign<'a>(
    algorithm: SignatureAlgorithm,
    secret: &[u8],
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    body: &[u8],
) -> String {
    match algorithm {
        SignatureAlgorithm::HmacSha1 => mac::<Hmac<sha1::Sha1>>(secret, fields, body),
        SignatureAlgorithm::HmacSha256 => mac::<Hmac<sha2::Sha256>>(secret, fields, body),
    }
}

fn mac<'a, M: Mac + KeyInit>(
    secret: &[u8],
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    body: &[u8],
) -> String {
    #[expect(
        clippy::expect_used,
        reason = "an HMAC takes a key of any length; the error is of other MACs"
    )]
    let mut mac = <M as KeyInit>::new_from_slice(secret).expect("HMAC takes any key");
    for (name, value) in fields {
        if name != "Signature" {
            mac.update(value.as_bytes());
        }
    }
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use SignatureAlgorithm::{HmacSha1, HmacSha256};

    const FIELDS: [(&str, &str); 8] = [
        ("AccessKey", "rocketmq"),
        ("SecurityToken", "token-1"),
        ("Signature", "of an earlier attempt"),
        ("a", "connect"),
        ("b", "orders"),
        ("e", "3"),
        ("i", ""),
        ("topic", "Größe"),
    ];

    // Expected values by Python:
    // base64.b64encode(hmac.new(secret, values.encode() + body, hashlib.sha1).digest())
    #[test]
    fn signatures_equal_those_of_another_implementation() {
        for (algorithm, body, expected) in [
            (HmacSha1, "", "KHaXtXDo30zrto6AZR5p+LEkBUs="),
            (HmacSha1, "{\"id\":1}", "EeSosvWj64P0AaIYWBEtqJ1X9GE="),
            (
                HmacSha256,
                "",
                "QtA1DJADT1CiyZREYMitwo9TS+JvBXSTuOO5gznQcxg=",
            ),
            (
                HmacSha256,
                "{\"id\":1}",
                "hPGI+ZXReccgSsfBUeT02NmUUNuOONuowPST+1oF+3M=",
            ),
        ] {
            assert_eq!(
                sign(algorithm, b"12345678", FIELDS, body.as_bytes()),
                expected
            );
        }
    }

    #[test]
    fn secrets_longer_than_a_block_and_binary_bodies_are_signed() {
        let body: Vec<u8> = (0..=255).collect();
        let fields = [("x", "one"), ("y", "two")];
        let secret = [b'k'; 100];
        assert_eq!(
            sign(HmacSha1, &secret, fields, &body),
            "2MZ6/AYy+9XPLsuAIkrnbW3MZC8="
        );
        assert_eq!(
            sign(HmacSha256, &secret, fields, &body),
            "UDYabinKHwdd8j6StjTrFQKedAky/I9R/InDpntLnK0="
        );
    }

    #[test]
    fn algorithms_are_read_by_their_java_names() {
        assert_eq!("HmacSHA1".parse(), Ok(HmacSha1));
        assert_eq!(" hmacsha256 ".parse(), Ok(HmacSha256));
        let error = "MD5".parse::<SignatureAlgorithm>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "signatureAlgorithm is \"MD5\"; known are HmacSHA1 and HmacSHA256"
        );
    }
}
