//! The dialect on the wire: against a peer that speaks TDS and knows no SQL, always; and against
//! the server that `CONNECT_TEST_SQLSERVER_URL` names, where it names one.
#![expect(
    clippy::unwrap_used,
    reason = "a failed assertion is how a test reports"
)]
mod conformance;
mod cursor;
mod log;
mod options;
mod peer;
mod session;
mod tls;
mod write;
