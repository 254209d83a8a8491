//! The cryptography of TLS.
use rustls::crypto::{CryptoProvider, ring};

/// Chooses the cryptography provider of rustls for the whole program, if none is set: drivers ask for the
/// one choice, and rustls makes none by itself where a program brings several libraries of it.
/// Dialects whose drivers speak TLS by rustls call this before they connect.
pub fn choose_cryptography() {
    let chosen = CryptoProvider::get_default().is_some();
    if !chosen && ring::default_provider().install_default().is_err() {
        tracing::debug!("the TLS crypto provider is already installed");
    }
}
