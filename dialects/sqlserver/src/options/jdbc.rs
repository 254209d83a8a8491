//! The spelling of Microsoft's JDBC driver: `sqlserver://host\instance:port;property=value;…`.
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write as _;

/// Parameters whose names differ from those of a plain URL, in lower case.
const SAME: &[(&str, &str)] = &[
    ("database", "databasename"),
    ("username", "user"),
    ("server", "servername"),
    ("port", "portnumber"),
];

/// The URL in its plain spelling, where it has the other one; `None` where it has not. A fault
/// never repeats the URL, which may hold a password.
pub(crate) fn plain(url: &str) -> Option<Result<String, String>> {
    let bare = url.trim();
    let bare = bare.strip_prefix("jdbc:").unwrap_or(bare);
    let (scheme, rest) = bare.split_once(':')?;
    let rest = rest.strip_prefix("//")?;
    let head = rest.split(';').next().unwrap_or_default();
    // `user:pass;word@host/db` is a plain URL too.
    if head.len() == rest.len() && !head.contains('\\')
        || head.contains(['/', '?', '@'])
        || (!url.trim().starts_with("jdbc:") && rest.contains('@') && !rest.contains('='))
    {
        return None;
    }
    Some(rewrite(scheme, head, &rest[head.len()..]))
}

fn rewrite(scheme: &str, head: &str, rest: &str) -> Result<String, String> {
    let mut parameters = properties(rest)?;
    let take = |parameters: &mut Vec<(String, String)>, name: &str| {
        let at = parameters.iter().rposition(|(n, _)| n == name)?;
        Some(parameters.swap_remove(at).1)
    };
    let server = take(&mut parameters, "servername");
    let head = match (head, &server) {
        ("", Some(server)) => server,
        _ => head,
    };
    // An IPv6 address has colons inside its brackets.
    let (place, port) = match head.rsplit_once(':') {
        Some((place, port)) if !port.contains(']') => (place, Some(port.to_owned())),
        _ => (head, None),
    };
    let (host, instance) = match place.split_once('\\') {
        Some((host, instance)) => (host, Some(instance.to_owned())),
        None => (place, None),
    };
    let port = take(&mut parameters, "portnumber").or(port);
    if let Some(port) = &port
        && port.parse::<u16>().is_err()
    {
        return Err("the port is not a number".to_owned());
    }
    let database = take(&mut parameters, "databasename").unwrap_or_default();
    if let Some(instance) = instance {
        parameters.push(("instancename".to_owned(), instance));
    }
    let host = if host.is_empty() { "localhost" } else { host };
    let mut url = format!("{scheme}://{host}");
    let partner = take(&mut parameters, "failoverpartner");
    if let Some(port) = &port {
        url.push(':');
        url.push_str(port);
    }
    if let Some(partner) = partner {
        url.push(',');
        url.push_str(&partner);
    }
    url.push('/');
    url.extend(utf8_percent_encode(&database, NON_ALPHANUMERIC));
    for (i, (name, value)) in parameters.iter().enumerate() {
        let sign = if i == 0 { '?' } else { '&' };
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        // Writing to a string cannot fail.
        let _written = write!(url, "{sign}{name}={value}");
    }
    Ok(url)
}

/// Reads `;name=value;name={va;l}}ue}`; names in lower case.
fn properties(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    while chars.peek().is_some() {
        // The semicolon in front; several, and one at the end, say nothing.
        while chars.next_if_eq(&';').is_some() {}
        let mut name = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=' && *c != ';') {
            name.push(c);
        }
        let name = name.trim().to_ascii_lowercase();
        if chars.next_if_eq(&'=').is_none() {
            if name.is_empty() {
                continue;
            }
            return Err(format!(
                "what follows semicolon {} is not `property=value`; a value with a semicolon stands in braces",
                found.len() + 1
            ));
        }
        let mut value = String::new();
        if chars.next_if_eq(&'{').is_some() {
            loop {
                match chars.next() {
                    Some('}') if chars.next_if_eq(&'}').is_some() => value.push('}'),
                    Some('}') => break,
                    Some(c) => value.push(c),
                    None => return Err(format!("`{name}`: a brace is not closed")),
                }
            }
            if chars.peek().is_some_and(|c| *c != ';') {
                return Err(format!("`{name}`: something follows the closing brace"));
            }
        } else {
            while let Some(c) = chars.next_if(|c| *c != ';') {
                value.push(c);
            }
            value = value.trim().to_owned();
        }
        let same = SAME.iter().find(|(other, _)| *other == name);
        let name = same.map_or(name, |(_, name)| (*name).to_owned());
        found.push((name, value));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialect_core::{Address, OpenOptions};
    use proptest::prelude::*;

    fn address(url: &str) -> Address {
        Address::parse(&plain(url).unwrap().unwrap(), &OpenOptions::default()).unwrap()
    }

    #[test]
    fn properties_become_parts_of_the_url() {
        let address = address(
            "jdbc:sqlserver://db.example:1444;databaseName=my shop;user=ann@corp;\
             password={p;a}}ss=w/o?rd&%};encrypt=true;trustServerCertificate=true;",
        );
        assert_eq!(address.hosts[0].to_string(), "db.example:1444");
        assert_eq!(address.database, "my shop");
        assert_eq!(address.user.as_deref(), Some("ann@corp"));
        let password = address.password.as_ref().map(|p| p.expose());
        assert_eq!(password, Some("p;a}ss=w/o?rd&%"));
        assert_eq!(
            address.parameters,
            [
                ("trustservercertificate".to_owned(), "true".to_owned()),
                ("encrypt".to_owned(), "true".to_owned())
            ]
        );
        assert_eq!(address.shown(), "sqlserver://db.example:1444/my shop");
    }

    #[test]
    fn instances_ports_and_partners_are_distinguished() {
        let address = address("jdbc:sqlserver://db\\sales;failoverPartner=other");
        assert_eq!(address.hosts.len(), 2);
        assert_eq!(
            address.parameters,
            [("instancename".to_owned(), "sales".to_owned())]
        );
        for (url, shown) in [
            ("jdbc:sqlserver://;serverName=h;port=9", "sqlserver://h:9/"),
            ("jdbc:sqlserver://[::1]:9;user=a", "sqlserver://[::1]:9/"),
            ("jdbc:sqlserver://[::1];user=a", "sqlserver://[::1]/"),
            ("sqlserver://h;database=d;user=a", "sqlserver://h/d"),
            ("jdbc:sqlserver://;user=a", "sqlserver://localhost/"),
        ] {
            let address =
                Address::parse(&plain(url).unwrap().unwrap(), &OpenOptions::default()).unwrap();
            assert_eq!(address.shown(), shown, "{url}");
        }
    }

    #[test]
    fn plain_urls_are_left_as_they_are() {
        for url in [
            "sqlserver://ann:pw@host:1433/db?encrypt=true",
            "jdbc:sqlserver://host/db?user=ann",
            "sqlserver://ann:p;w@host/db",
            "sqlserver://host:1433",
        ] {
            assert!(plain(url).is_none(), "{url}");
        }
    }

    #[test]
    fn faults_do_not_repeat_the_url() {
        for url in [
            "jdbc:sqlserver://h;user=a;password={hunter2",
            "jdbc:sqlserver://h;user=a;password={hunter2}x;",
            "jdbc:sqlserver://h;user=a;password=x;hunter2",
            "jdbc:sqlserver://h:hunter2;user=a",
        ] {
            let fault = plain(url).unwrap().unwrap_err();
            assert!(!fault.contains("hunter2"), "{fault}");
        }
    }

    proptest! {
        #[test]
        fn a_password_of_any_characters_is_read_back(password in "[^\\x00]{1,20}", user in "[a-z@/?&%]{1,9}") {
            let braced = password.replace('}', "}}");
            let url = format!("jdbc:sqlserver://h:1;user={{{user}}};password={{{braced}}};");
            let address = address(&url);
            prop_assert_eq!(address.password.as_ref().map(|p| p.expose()), Some(password.as_str()));
            prop_assert_eq!(address.user.as_deref(), Some(user.as_str()));
        }

        #[test]
        fn foreign_text_does_not_panic(text in "(jdbc:)?sqlserver://[\\PC;={}\\\\:]{0,40}") {
            if let Some(Ok(url)) = plain(&text) {
                let _parsed = Address::parse(&url, &OpenOptions::default());
            }
        }
    }
}
