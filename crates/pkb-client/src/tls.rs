//! The cryptography of TLS: ring, for all clients of this process.

/// Makes ring the cryptography of this process, if it has none yet. Every HTTP client needs that before it is made.
pub fn use_ring() {
    // It fails if a provider is set already, which is as good: nobody here sets a different one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client for servers of this machine, without any proxy.
///
/// # Errors
/// The library cannot be set up.
pub fn on_loopback() -> reqwest::Result<reqwest::Client> {
    use_ring();
    reqwest::Client::builder().no_proxy().build()
}
