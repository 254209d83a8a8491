//! The configuration keys of access control.
use crate::{Credentials, SignatureAlgorithm};
use std::{error::Error, fmt};

/// What the configuration says about access control.
///
/// The keys are those of the Java runtime, and two that it lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AclSettings {
    /// Whom to sign as; `None` where `aclEnable` is not `true`: the keys are ignored then, as
    /// the Java runtime does.
    pub credentials: Option<Credentials>,
}

impl AclSettings {
    /// Whether requests are signed: `true` or `false`, the default.
    pub const ENABLE: &'static str = "aclEnable";
    /// The user.
    pub const ACCESS_KEY: &'static str = "accessKey";
    /// The user's secret.
    pub const SECRET_KEY: &'static str = "secretKey";
    /// The token of temporary credentials.
    pub const SECURITY_TOKEN: &'static str = "securityToken";
    /// `HmacSHA1`, the default, or `HmacSHA256`.
    pub const SIGNATURE_ALGORITHM: &'static str = "signatureAlgorithm";
    /// All keys.
    pub const KEYS: [&'static str; 5] = [
        Self::ENABLE,
        Self::ACCESS_KEY,
        Self::SECRET_KEY,
        Self::SECURITY_TOKEN,
        Self::SIGNATURE_ALGORITHM,
    ];

    /// Reads the settings; `get` gives the value of a key, references already resolved.
    ///
    /// # Errors
    /// All faults at once, each of which names its key.
    pub fn read<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, Vec<SettingsError>> {
        let get = |key| get(key).map(str::trim).filter(|value| !value.is_empty());
        let mut faults = Vec::new();
        let enabled = match get(Self::ENABLE) {
            None => false,
            Some(value) if value.eq_ignore_ascii_case("true") => true,
            Some(value) if value.eq_ignore_ascii_case("false") => false,
            Some(value) => {
                faults.push(SettingsError::NotBoolean(value.into()));
                false
            }
        };
        let algorithm = match get(Self::SIGNATURE_ALGORITHM).map(str::parse).transpose() {
            Ok(algorithm) => algorithm.unwrap_or_default(),
            Err(fault) => {
                faults.push(fault);
                SignatureAlgorithm::default()
            }
        };
        let mut required = |key| {
            let value = get(key);
            if enabled && value.is_none() {
                faults.push(SettingsError::Missing(key));
            }
            value.unwrap_or_default()
        };
        let access_key = required(Self::ACCESS_KEY);
        let secret_key = required(Self::SECRET_KEY);
        if !faults.is_empty() {
            return Err(faults);
        }
        let credentials = enabled.then(|| {
            let credentials = Credentials::new(access_key, secret_key).with_algorithm(algorithm);
            match get(Self::SECURITY_TOKEN) {
                Some(token) => credentials.with_security_token(token),
                None => credentials,
            }
        });
        Ok(Self { credentials })
    }
}

/// A fault in the settings; never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// `aclEnable` is neither `true` nor `false`.
    NotBoolean(Box<str>),
    /// `aclEnable` is `true` and this key has no value.
    Missing(&'static str),
    /// `signatureAlgorithm` names no known algorithm.
    UnknownAlgorithm(Box<str>),
    /// A client certificate without its key, or a key without its certificate.
    HalfIdentity,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBoolean(value) => {
                write!(f, "{} is {value:?}; set true or false", AclSettings::ENABLE)
            }
            Self::Missing(key) => {
                write!(f, "{} is true, so {key} must be set", AclSettings::ENABLE)
            }
            Self::UnknownAlgorithm(name) => write!(
                f,
                "{} is {name:?}; known are HmacSHA1 and HmacSHA256",
                AclSettings::SIGNATURE_ALGORITHM
            ),
            Self::HalfIdentity => {
                f.write_str("a TLS client certificate and its key must be set together")
            }
        }
    }
}

impl Error for SettingsError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &'static str)]) -> Result<AclSettings, Vec<SettingsError>> {
        AclSettings::read(|key| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| *v))
    }

    #[test]
    fn keys_are_ignored_unless_access_control_is_enabled() {
        for enable in [None, Some(("aclEnable", "false"))] {
            let pairs = [("accessKey", "a"), ("secretKey", "s")]
                .into_iter()
                .chain(enable)
                .collect::<Vec<_>>();
            assert_eq!(read(&pairs), Ok(AclSettings { credentials: None }));
        }
    }

    #[test]
    fn enabled_settings_give_credentials() {
        let settings = read(&[
            ("aclEnable", "True"),
            ("accessKey", " a "),
            ("secretKey", "s"),
            ("securityToken", "t"),
            ("signatureAlgorithm", "HmacSHA256"),
        ]);
        let credentials = Credentials::new("a", "s")
            .with_security_token("t")
            .with_algorithm(SignatureAlgorithm::HmacSha256);
        assert_eq!(
            settings,
            Ok(AclSettings {
                credentials: Some(credentials)
            })
        );
    }

    #[test]
    fn all_faults_are_reported_at_once_without_secrets() {
        let faults = read(&[
            ("aclEnable", "true"),
            ("secretKey", "planted"),
            ("signatureAlgorithm", "MD5"),
        ])
        .unwrap_err();
        assert_eq!(
            faults,
            [
                SettingsError::UnknownAlgorithm("MD5".into()),
                SettingsError::Missing("accessKey"),
            ]
        );
        assert_eq!(
            faults[1].to_string(),
            "aclEnable is true, so accessKey must be set"
        );
        assert!(!format!("{faults:?}").contains("planted"));
        let faults = read(&[("aclEnable", "yes")]).unwrap_err();
        assert_eq!(
            faults[0].to_string(),
            "aclEnable is \"yes\"; set true or false"
        );
    }
}
