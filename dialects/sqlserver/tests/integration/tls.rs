//! TLS before anything else, as TDS 8.0 has it, with certificates of the tests' own.
use crate::{
    peer::{Peer, Rules},
    session::connect_with,
};
use connect_api::{Error, ErrorKind};
use dialect_core::{OpenOptions, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use std::{fs, path::PathBuf, sync::Arc};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

/// An authority, and certificates that it has signed: of a server named `localhost`, and of a client.
struct Certificates {
    directory: TempDir,
    server: (String, String),
}

impl Certificates {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let sign = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|n| (*n).to_owned()).collect();
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(names).unwrap();
            let signed = params.signed_by(&key, &issuer).unwrap();
            (signed.pem(), key.serialize_pem())
        };
        let (client, client_key) = sign(&["ann"]);
        for (name, text) in [
            ("ca.txt", ca.pem()),
            ("client.pem", client),
            ("client.key", client_key),
        ] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        Self {
            server: sign(&["localhost"]),
            directory,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A peer with the server's certificate, which may want one of the client too.
    async fn peer(&self, of_client: bool) -> Peer {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = if of_client {
            let mut roots = RootCertStore::empty();
            let ca = fs::read(self.path("ca.txt")).unwrap();
            roots
                .add(CertificateDer::from_pem_slice(&ca).unwrap())
                .unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.unwrap())
        } else {
            config.with_no_client_auth()
        };
        let (certificate, key) = &self.server;
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let mut config = config.with_single_cert(chain, key).unwrap();
        config.alpn_protocols.push(b"tds/8.0".to_vec());
        Peer::new(Rules {
            tls: Some(TlsAcceptor::from(Arc::new(config))),
            ..Rules::default()
        })
        .await
    }
}

async fn login(peer: &Peer, host: &str, query: &str, tls: TlsOptions) -> Result<(), Error> {
    let options = OpenOptions {
        tls,
        ..OpenOptions::default()
    };
    let url = format!(
        "sqlserver://ann:hunter2@{host}:{}/shop?encrypt=strict{query}",
        peer.port
    );
    let mut connection = connect_with(&url, &options).await?;
    connection.ping().await
}

#[tokio::test]
async fn a_certificate_is_trusted_by_its_authority_and_its_name() {
    let certificates = Certificates::new();
    let peer = certificates.peer(false).await;
    let ca = || TlsOptions {
        ca: Some(certificates.path("ca.txt")),
        ..TlsOptions::default()
    };
    login(&peer, "localhost", "", ca()).await.unwrap();
    let renamed = "&hostNameInCertificate=localhost";
    login(&peer, "127.0.0.1", renamed, ca()).await.unwrap();
    for (host, tls) in [("localhost", TlsOptions::default()), ("127.0.0.1", ca())] {
        let error = login(&peer, host, "", tls).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{}", error.report());
        assert!(error.report().contains("certificate"), "{}", error.report());
        assert!(!error.report().contains("trust_cert"), "{}", error.report());
        assert!(!error.report().contains("hunter2"), "{}", error.report());
    }
    assert_eq!(peer.logins().len(), 2, "no password went to another server");
}

#[tokio::test]
async fn a_client_shows_its_certificate_where_it_has_one() {
    let certificates = Certificates::new();
    let peer = certificates.peer(true).await;
    let ca = certificates.path("ca.txt");
    let tls = TlsOptions {
        ca: Some(ca.clone()),
        certificate: Some(certificates.path("client.pem")),
        key: Some(certificates.path("client.key")),
        ..TlsOptions::default()
    };
    login(&peer, "localhost", "", tls).await.unwrap();
    let tls = TlsOptions {
        ca: Some(ca),
        ..TlsOptions::default()
    };
    let error = login(&peer, "localhost", "", tls).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Config | ErrorKind::Connect),
        "{}",
        error.report()
    );
    assert_eq!(peer.logins().len(), 1);
}
