//! How connections are protected.
use crate::SettingsError;
use std::path::PathBuf;

/// Whether a server must prove who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Verification {
    /// The server's certificate must be signed by a trusted authority and name the host.
    #[default]
    Full,
    /// Any certificate will do: the traffic is encrypted, but whoever answers is believed. For
    /// tests, and for brokers with the certificate they come with.
    Off,
}

/// TLS of the connections to name servers and brokers; the default is no TLS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// Use TLS.
    pub enabled: bool,
    /// Authorities to trust, a PEM file; `None`: those of the operating system.
    pub ca_file: Option<PathBuf>,
    /// Certificate to show to the server, a PEM file.
    pub cert_file: Option<PathBuf>,
    /// Private key of that certificate, a PEM file.
    pub key_file: Option<PathBuf>,
    /// Whether the server's certificate is verified.
    pub verification: Verification,
}

impl Tls {
    /// Checks that the settings fit together, without reading a file.
    ///
    /// # Errors
    /// [`SettingsError::HalfIdentity`] for a certificate without a key or a key without a
    /// certificate.
    pub fn validate(&self) -> Result<(), SettingsError> {
        if self.cert_file.is_some() == self.key_file.is_some() {
            Ok(())
        } else {
            Err(SettingsError::HalfIdentity)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_needs_its_key() {
        assert_eq!(Tls::default().validate(), Ok(()));
        let mut tls = Tls {
            cert_file: Some("client.pem".into()),
            ..Tls::default()
        };
        assert_eq!(tls.validate(), Err(SettingsError::HalfIdentity));
        tls.key_file = Some("client.key".into());
        assert_eq!(tls.validate(), Ok(()));
    }
}
