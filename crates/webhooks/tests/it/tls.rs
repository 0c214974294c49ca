//! Certificates are checked, and against the name of the URL.

use crate::attempts::{BODY, NOW};
use crate::receiver::answer;
use bytes::Bytes;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use suanpan_webhooks::SigningSecret;
use suanpan_webhooks::deliver::{BOUNDS, Message, attempt};
use suanpan_webhooks::target::{FixedResolver, Policy};
use suanpan_webhooks::wire::Wire;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

/// Made for this test; the key of the authority was thrown away.
const AUTHORITY: &[u8] = include_bytes!("../keys/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../keys/server.pem");
const KEY: &[u8] = include_bytes!("../keys/server.key");

#[tokio::test]
async fn a_receiver_needs_a_certificate_of_a_trusted_authority_for_its_name() {
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&received);
    let server = tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(answer(stream, Arc::clone(&log)));
            }
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(AUTHORITY).unwrap()).unwrap();
    let here = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let names = FixedResolver::default().with("hooks.example", &here).with("other.example", &here);
    let trusting = Wire::with_roots(Policy::development(), Arc::new(names.clone()), roots);
    let machine = Wire::new(Policy::development(), Arc::new(names.clone()));
    let nobody = Wire::with_roots(Policy::development(), Arc::new(names), RootCertStore::empty());
    let secrets = [SigningSecret::parse(&SigningSecret::text_of(&[1; 24])).unwrap()];
    for (wire, host, expected) in [
        (&trusting, "hooks.example", Ok(200)),
        (&trusting, "other.example", Err("tls")),
        (&trusting, "127.0.0.1", Err("tls")),
        (&nobody, "hooks.example", Err("roots")),
        (&machine, "hooks.example", Err("tls")),
    ] {
        let url = format!("https://{host}:{port}/status/200");
        let body = Bytes::from_static(BODY.as_bytes());
        let log = attempt(
            wire,
            &Message { event: "evt_1", body, url: &url, secrets: &secrets, live: false },
            BOUNDS,
            NOW,
        )
        .await;
        let result = log.result.map(|answer| answer.status).map_err(|failure| failure.code);
        // A machine may have no authorities at all.
        let same = result == expected || (std::ptr::eq(wire, &machine) && result == Err("roots"));
        assert!(same, "{host}: {result:?}");
    }
    assert_eq!(received.lock().unwrap().len(), 1);
    server.abort();
}
