//! The hosts of a URL: which of them is connected to.
use crate::address::{Address, Host};
use connect_api::{Disposition, Error, ErrorKind, Result};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use std::time::Duration;
use tokio::time::timeout;

/// An attempt that has no answer for so long does not delay the next: a host that is gone, or a network
/// that was interrupted, would cost the whole time limit of a connection.
const STAGGER: Duration = Duration::from_secs(3);
/// How often a host is tried that does not answer.
const ROUNDS: usize = 3;

/// What a host of several is to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TargetSession {
    /// The first that can be reached.
    #[default]
    Any,
    /// One that takes changes.
    Primary,
    /// One that does not, such as a read replica.
    Standby,
    /// A standby, or any other host if there is none.
    PreferStandby,
    /// A primary, or any other host if there is none.
    PreferPrimary,
}

/// What a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerRole {
    /// It takes changes.
    Primary,
    /// It does not.
    Standby,
}

impl TargetSession {
    /// Reads libpq's `target_session_attrs`, or the JDBC driver's `targetServerType`.
    ///
    /// # Errors
    /// The values that there are.
    pub fn parse(value: &str) -> std::result::Result<Self, String> {
        match value.replace(['-', '_'], "").to_ascii_lowercase().as_str() {
            "any" => Ok(Self::Any),
            "readwrite" | "primary" | "master" => Ok(Self::Primary),
            "readonly" | "standby" | "secondary" | "slave" => Ok(Self::Standby),
            "preferstandby" | "prefersecondary" | "preferslave" => Ok(Self::PreferStandby),
            "preferprimary" => Ok(Self::PreferPrimary),
            _ => Err(
                "is one of any, primary (read-write), standby (read-only), prefer-standby, \
                 preferPrimary"
                    .to_owned(),
            ),
        }
    }

    /// The role that is looked for, and whether another is accepted in the end.
    fn wanted(self) -> Option<(ServerRole, bool)> {
        match self {
            Self::Any => None,
            Self::Primary => Some((ServerRole::Primary, false)),
            Self::Standby => Some((ServerRole::Standby, false)),
            Self::PreferStandby => Some((ServerRole::Standby, true)),
            Self::PreferPrimary => Some((ServerRole::Primary, true)),
        }
    }
}

impl Address {
    /// Connects to the first host that can be reached, in their order. What another host cannot
    /// better, such as a refused password, ends the search.
    ///
    /// # Errors
    /// That of the last host tried; with several hosts it is named.
    pub async fn first<'a, T, F>(&'a self, connect: impl Fn(&'a Host) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let connect = |host| {
            let connecting = connect(host);
            async { connecting.await.map(|connection| (connection, None)) }
        };
        self.first_of(TargetSession::Any, connect).await
    }

    /// The same, for a host of this kind; `connect` gives the role of the server if it is known. A host
    /// that does not answer for some seconds is tried again beside the next ones.
    ///
    /// # Errors
    /// `Connect`: there is no host of this kind; otherwise as [`first`](Self::first).
    pub async fn first_of<'a, T, F>(
        &'a self,
        target: TargetSession,
        connect: impl Fn(&'a Host) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<(T, Option<ServerRole>)>>,
    {
        let several = self.hosts.len() > 1;
        let named = |e: Error, host: &Host| if several { e.context(host) } else { e };
        let attempt = |index: usize| {
            let host = &self.hosts[index % self.hosts.len()];
            let connecting = connect(host);
            async move { (index, host, connecting.await) }
        };
        let mut attempts = FuturesUnordered::new();
        let (mut started, mut failed) = (0, 0);
        let mut other = None;
        let mut last = Error::new(ErrorKind::Config, "connection.url: names no host");
        while failed < self.hosts.len() {
            // The first round begins one by one, as hosts fail; others only where none answers.
            let is_first_round = started < self.hosts.len();
            if attempts.is_empty() && is_first_round {
                attempts.push(attempt(started));
                started += 1;
            }
            let answer = if started < self.hosts.len() * ROUNDS {
                timeout(STAGGER, attempts.next()).await
            } else {
                Ok(attempts.next().await)
            };
            let (index, host, outcome) = match answer {
                Ok(Some(answer)) => answer,
                Ok(None) => break,
                Err(_elapsed) => {
                    attempts.push(attempt(started));
                    started += 1;
                    continue;
                }
            };
            match outcome {
                Ok((connection, role)) => match (target.wanted(), role) {
                    (Some((wanted, or_other)), Some(role)) if role != wanted => {
                        failed += usize::from(index < self.hosts.len());
                        last = named(unwanted(role), host);
                        other = other.or(Some(connection).filter(|_| or_other));
                    }
                    _ => return Ok(connection),
                },
                Err(e) if e.kind().disposition() != Disposition::Retry => {
                    return Err(named(e, host));
                }
                Err(e) => {
                    failed += usize::from(index < self.hosts.len());
                    if several && failed < self.hosts.len() {
                        tracing::warn!(%host, error = e.report(), "cannot connect, trying the next host");
                    }
                    last = named(e, host);
                }
            }
        }
        other.ok_or(last)
    }
}

fn unwanted(role: ServerRole) -> Error {
    let is = match role {
        ServerRole::Primary => "a primary, and a standby is wanted",
        ServerRole::Standby => "a standby, and a primary is wanted",
    };
    Error::new(
        ErrorKind::Connect,
        format!("the server is {is} (target_session_attrs)"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OpenOptions;
    use ServerRole::{Primary, Standby};
    use std::{
        sync::Mutex,
        time::{Duration, Instant},
    };

    fn address(hosts: &str) -> Address {
        Address::parse(&format!("postgres://u@{hosts}/d"), &OpenOptions::default()).unwrap()
    }

    async fn chosen(hosts: &str, target: TargetSession) -> (Result<String>, Vec<String>) {
        let address = address(hosts);
        let tried = Mutex::new(Vec::new());
        let connect = async |host: &Host| {
            tried.lock().unwrap().push(host.name.clone());
            match host.name.as_str() {
                "gone" => Err(Error::new(ErrorKind::Connect, "refused")),
                "locked" => Err(Error::new(ErrorKind::Auth, "wrong password")),
                "silent" => {
                    tokio::time::sleep(Duration::from_secs(10)).await;
                    Err(Error::new(ErrorKind::Timeout, "no response"))
                }
                name => {
                    let role = if name.starts_with('p') {
                        Primary
                    } else {
                        Standby
                    };
                    Ok((name.to_owned(), Some(role)))
                }
            }
        };
        let chosen = address.first_of(target, connect).await;
        (chosen, tried.into_inner().unwrap())
    }

    #[tokio::test]
    async fn the_first_host_of_the_wanted_kind_is_taken() {
        use TargetSession::{Any, PreferPrimary, PreferStandby, Primary, Standby};
        for (hosts, target, expected) in [
            ("s1,p1", Any, Some("s1")),
            ("gone,p1", Any, Some("p1")),
            ("s1,p1,p2", Primary, Some("p1")),
            ("p1,s1", Standby, Some("s1")),
            ("p1,s1", PreferStandby, Some("s1")),
            ("p1,gone", PreferStandby, Some("p1")),
            ("s1,gone", PreferPrimary, Some("s1")),
            ("s1,s2", Primary, None),
            ("gone,gone", PreferStandby, None),
            ("locked,p1", Any, None),
        ] {
            let (chosen, _) = chosen(hosts, target).await;
            assert_eq!(chosen.ok().as_deref(), expected, "{hosts} {target:?}");
        }
        let (refused, tried) = chosen("s1,s2", Primary).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Connect);
        assert!(
            refused.to_string().contains("a primary is wanted"),
            "{refused}"
        );
        assert_eq!(tried, ["s1", "s2"], "a host is tried once");
    }

    #[tokio::test]
    async fn a_silent_host_does_not_delay_the_next() {
        let began = Instant::now();
        let (chosen, tried) = chosen("silent,p1", TargetSession::Any).await;
        assert_eq!(chosen.unwrap(), "p1");
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(tried, ["silent", "p1"]);
    }

    #[test]
    fn kinds_of_hosts_have_the_names_of_libpq_and_of_jdbc() {
        for (text, expected) in [
            ("any", TargetSession::Any),
            ("read-write", TargetSession::Primary),
            ("master", TargetSession::Primary),
            ("read-only", TargetSession::Standby),
            ("secondary", TargetSession::Standby),
            ("prefer-standby", TargetSession::PreferStandby),
            ("preferSecondary", TargetSession::PreferStandby),
            ("preferPrimary", TargetSession::PreferPrimary),
        ] {
            assert_eq!(TargetSession::parse(text), Ok(expected), "{text}");
        }
        assert!(
            TargetSession::parse("fastest")
                .unwrap_err()
                .contains("prefer-standby")
        );
    }
}
