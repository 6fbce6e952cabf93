//! TLS as the kubelet's probes speak it: with anyone.
//!
//! A probe asks whether a replica answers, and sends nothing worth hiding: whose certificate it is, who signed it
//! and whether its time has passed is not looked at.

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock},
};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, ServerName, UnixTime},
    },
};

static CONFIG: LazyLock<Result<Arc<ClientConfig>, Error>> = LazyLock::new(|| {
    let provider = Arc::new(ring::default_provider());
    let anyone = Arc::new(Anyone(Arc::clone(&provider)));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.dangerous().with_custom_certificate_verifier(anyone).with_no_client_auth()))
});

/// A connection under TLS; like the kubelet's to an address, it names no server.
pub async fn connect(at: SocketAddr) -> Result<TlsStream<TcpStream>, String> {
    let config = CONFIG.as_ref().map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let stream = super::connect(at).await?;
    TlsConnector::from(Arc::clone(config))
        .connect(ServerName::IpAddress(at.ip().into()), stream)
        .await
        .map_err(|error| format!("no TLS with {at}: {error}"))
}

#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    // A certificate that cannot even be read is no reason to fail a probe, and its key cannot be had without reading.
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
