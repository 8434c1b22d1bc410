use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use rcgen::{
    Certificate, CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize, SigningKey as _,
};
use serde_json::{Value, json};

/// A key that signs tokens, and the certificate by which registries know it.
pub(crate) struct TokenKey {
    key: KeyPair,
    certificate: Certificate,
}

impl TokenKey {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        Self { key, certificate }
    }

    pub(crate) fn certificate(&self) -> String {
        self.certificate.pem()
    }

    /// Returns claims as a signed token (RFC 7519, RS256), with the certificate in its header.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({
            "typ": "JWT",
            "alg": "RS256",
            "x5c": [BASE64_STANDARD.encode(self.certificate.der())],
        });
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(claims));
        let signature = self.key.sign(text.as_bytes()).unwrap();
        format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}
