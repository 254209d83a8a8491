//! Who a client says it is.
use crate::{SignatureAlgorithm, sign};
use std::fmt;

/// A user of a cluster with access control, and the secret that proves it.
///
/// The secret and the token are in no output: `Debug` shows `***` for them.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    access_key: Box<str>,
    secret_key: Box<str>,
    security_token: Option<Box<str>>,
    algorithm: SignatureAlgorithm,
}

impl Credentials {
    /// The user `access_key`, who signs with `secret_key` by HmacSHA1.
    pub fn new(access_key: impl Into<Box<str>>, secret_key: impl Into<Box<str>>) -> Self {
        Self {
            access_key: access_key.into(),
            secret_key: secret_key.into(),
            security_token: None,
            algorithm: SignatureAlgorithm::default(),
        }
    }

    /// Sends `token` along, as temporary credentials (STS) require.
    #[must_use]
    pub fn with_security_token(mut self, token: impl Into<Box<str>>) -> Self {
        self.security_token = Some(token.into());
        self
    }

    /// Signs by `algorithm`.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: SignatureAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The user's name; no secret.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The token of temporary credentials; a secret.
    pub fn security_token(&self) -> Option<&str> {
        self.security_token.as_deref()
    }

    /// The signature over `fields`, given in the order of their names, and `body`; see [`sign`].
    pub fn sign<'a>(
        &self,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: &[u8],
    ) -> String {
        sign(self.algorithm, self.secret_key.as_bytes(), fields, body)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key", &self.access_key)
            .field("secret_key", &"***")
            .field(
                "security_token",
                &self.security_token.as_ref().map(|_| "***"),
            )
            .field("algorithm", &self.algorithm)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let credentials = Credentials::new("orders", "planted-secret")
            .with_security_token("planted-token")
            .with_algorithm(SignatureAlgorithm::HmacSha256);
        for text in [format!("{credentials:?}"), format!("{credentials:#?}")] {
            assert!(!text.contains("planted"), "{text}");
            assert!(
                text.contains("orders") && text.contains("HmacSha256"),
                "{text}"
            );
        }
    }
}
