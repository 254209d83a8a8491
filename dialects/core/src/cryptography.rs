//! The cryptography of TLS.
use rustls::crypto::{CryptoProvider, ring};

/// Chooses the cryptography of rustls for the whole program, where nobody has: drivers ask for the
/// one choice, and rustls makes none by itself where a program brings several libraries of it.
/// Dialects whose drivers speak TLS by rustls call this before they connect.
pub fn choose_cryptography() {
    let chosen = CryptoProvider::get_default().is_some();
    if !chosen && ring::default_provider().install_default().is_err() {
        tracing::debug!("the TLS crypto provider is already installed");
    }
}
