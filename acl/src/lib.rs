//! RocketMQ access control: credentials and where they come from, request signing, TLS settings.
//!
//! Pure and light: nothing here opens a connection. [`AclSettings`] gathers the keys `aclEnable`,
//! `accessKey`, `secretKey`, `securityToken` and `signatureAlgorithm`; [`Credentials`] are what a
//! client signs with, [`sign`] is the signature itself, [`Tls`] says how connections are
//! protected, and [`mod@reference`] puts `${env:NAME}` and `${file:path:key}` in place. With the
//! feature `client`, `signing_hook` signs every request of the RocketMQ client.
//!
//! ```
//! use acl::AclSettings;
//!
//! # fn main() -> Result<(), Vec<acl::SettingsError>> {
//! let settings = AclSettings::read(|key| match key {
//!     "aclEnable" => Some("true"),
//!     "accessKey" => Some("orders"),
//!     "secretKey" => Some("pw-of-orders"),
//!     _ => None,
//! })?;
//! let credentials = settings.credentials.expect("aclEnable is true");
//! let fields = [("AccessKey", "orders"), ("b", "topic")];
//! assert_eq!(credentials.sign(fields, b"body").len(), 28);
//! assert!(!format!("{credentials:?}").contains("pw-of"));
//! # Ok(())
//! # }
//! ```
mod credentials;
#[cfg(feature = "client")]
mod hook;
mod properties;
pub mod reference;
mod settings;
mod signature;
mod tls;

pub use credentials::Credentials;
#[cfg(feature = "client")]
pub use hook::signing_hook;
pub use reference::ReferenceError;
pub use settings::{AclSettings, SettingsError};
pub use signature::{SignatureAlgorithm, sign};
pub use tls::{Tls, Verification};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
