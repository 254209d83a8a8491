//! Users and policies of access control, version 2.0.
use super::{Admin, answers};
use crate::rocketmq::{error_codes::code, link::Answer, request::Request};
use connect_api::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt};

/// What a user may do by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// Everything.
    Super,
    /// What policies say.
    Normal,
}

impl UserKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Super => "Super",
            Self::Normal => "Normal",
        }
    }
}

/// A user. Passwords, which brokers return too, are not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// The name, which is the access key.
    pub name: String,
    /// What it may do by itself.
    pub kind: UserKind,
    /// Whether it may do anything at all.
    pub enabled: bool,
    /// The brokers that know it.
    pub brokers: Vec<String>,
}

/// A user to create, or the changes to one.
#[derive(Clone, Default)]
pub struct NewUser {
    /// The password, which is the secret key.
    pub password: Option<String>,
    /// What it may do by itself.
    pub kind: Option<UserKind>,
    /// Whether it may do anything at all.
    pub enabled: Option<bool>,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser")
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("kind", &self.kind)
            .field("enabled", &self.enabled)
            .finish()
    }
}

/// Whether a policy permits or forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It permits.
    Allow,
    /// It forbids.
    Deny,
}

impl Effect {
    const fn name(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// What a subject may do with a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// Who, as `User:name`.
    pub subject: String,
    /// On what: `Topic:name`, `Group:name`, `Cluster:name`; `*` stands for any characters at the
    /// end.
    pub resource: String,
    /// `Pub`, `Sub`, `Create`, `Update`, `Delete`, `Get`, `List`, or `All`.
    pub actions: Vec<String>,
    /// From which addresses; any where there is none.
    pub source_ips: Vec<String>,
    /// Whether it permits or forbids.
    pub effect: Effect,
    /// The brokers that know it.
    pub brokers: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserInfo {
    username: String,
    /// Sent, and never taken.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_status: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct AclInfo {
    subject: String,
    #[serde(default)]
    policies: Vec<PolicyInfo>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyInfo {
    policy_type: Option<String>,
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    source_ips: Option<Vec<String>>,
    #[serde(default)]
    decision: Option<String>,
}

impl Admin {
    /// All users, by name.
    ///
    /// # Errors
    /// `Unsupported`: the brokers have no access control of version 2.0. Else as they say.
    pub async fn users(&self) -> Result<Vec<User>> {
        let mut users = BTreeMap::<String, User>::new();
        let subject = "users";
        for (broker, address) in self.masters().await? {
            let list: Vec<UserInfo> = self.list(&address, &subject, Request::users()).await?;
            for info in list {
                let is = |text: &Option<String>, name: &str| {
                    text.as_deref()
                        .is_some_and(|t| t.eq_ignore_ascii_case(name))
                };
                let user = users.entry(info.username).or_insert_with_key(|name| User {
                    name: name.clone(),
                    kind: match is(&info.user_type, "Super") {
                        true => UserKind::Super,
                        false => UserKind::Normal,
                    },
                    enabled: !is(&info.user_status, "disable"),
                    brokers: Vec::new(),
                });
                user.brokers.push(broker.to_string());
            }
        }
        Ok(users.into_values().collect())
    }

    /// Creates a user at all brokers.
    ///
    /// # Errors
    /// `Config`: there is no password. Else as [`users`](Self::users).
    pub async fn create_user(&self, name: &str, user: &NewUser) -> Result<()> {
        if user.password.as_ref().is_none_or(String::is_empty) {
            return Err(Error::new(
                ErrorKind::Config,
                format!("user {name:?}: needs a password"),
            ));
        }
        let subject = format!("user {name:?}, to be created");
        let info = user_info(name, user, Some(UserKind::Normal), Some(true))?;
        self.at_all(&subject, || Request::create_user(name, info.clone()))
            .await
    }

    /// Changes a user at all brokers; what `change` does not name stays as it is.
    ///
    /// # Errors
    /// As [`users`](Self::users).
    pub async fn change_user(&self, name: &str, change: &NewUser) -> Result<()> {
        let subject = format!("user {name:?}, to be changed");
        let info = user_info(name, change, None, None)?;
        self.at_all(&subject, || Request::change_user(name, info.clone()))
            .await
    }

    /// Deletes a user at all brokers. Policies stay: they are deleted by themselves.
    ///
    /// # Errors
    /// `Schema`: there is no such user. Else as [`users`](Self::users).
    pub async fn delete_user(&self, name: &str) -> Result<()> {
        // Brokers take the deletion of a user that is not there.
        if self.users().await?.iter().all(|user| user.name != name) {
            return Err(Error::new(
                ErrorKind::Schema,
                format!("user {name:?}: no broker knows it"),
            ));
        }
        let subject = format!("user {name:?}, to be deleted");
        self.at_all(&subject, || Request::delete_user(name)).await
    }

    /// Policies of subjects whose names hold `subject`, on resources whose names hold `resource`.
    ///
    /// # Errors
    /// As [`users`](Self::users).
    pub async fn policies(&self, subject: &str, resource: &str) -> Result<Vec<Policy>> {
        let mut policies = Vec::<Policy>::new();
        let what = "policies";
        for (broker, address) in self.masters().await? {
            let request = Request::policies(subject, resource);
            let list: Vec<AclInfo> = self.list(&address, &what, request).await?;
            for (subject, entry) in list.into_iter().flat_map(|acl| {
                let entries = acl.policies.into_iter().flat_map(|p| p.entries);
                entries
                    .map(move |entry| (acl.subject.clone(), entry))
                    .collect::<Vec<_>>()
            }) {
                let denies = entry.decision.as_deref();
                let denies = denies.is_some_and(|d| d.eq_ignore_ascii_case("deny"));
                let mut policy = Policy {
                    subject,
                    resource: entry.resource.unwrap_or_default(),
                    actions: entry.actions,
                    source_ips: entry.source_ips.unwrap_or_default(),
                    effect: if denies { Effect::Deny } else { Effect::Allow },
                    brokers: Vec::new(),
                };
                let same = policies.iter_mut().find(|known| {
                    policy.brokers.clone_from(&known.brokers);
                    **known == policy
                });
                match same {
                    Some(known) => known.brokers.push(broker.to_string()),
                    None => {
                        policy.brokers = vec![broker.to_string()];
                        policies.push(policy);
                    }
                }
            }
        }
        policies.sort_by(|a, b| (&a.subject, &a.resource).cmp(&(&b.subject, &b.resource)));
        Ok(policies)
    }

    /// Adds a policy at all brokers, in place of the one of the same subject and resource.
    ///
    /// # Errors
    /// As [`users`](Self::users).
    pub async fn grant(&self, policy: &Policy) -> Result<()> {
        let subject = format!("policy of {} on {}", policy.subject, policy.resource);
        let acl = AclInfo {
            subject: policy.subject.clone(),
            policies: vec![PolicyInfo {
                policy_type: Some("Custom".into()),
                entries: vec![Entry {
                    resource: Some(policy.resource.clone()),
                    actions: policy.actions.clone(),
                    source_ips: Some(policy.source_ips.clone()),
                    decision: Some(policy.effect.name().into()),
                }],
            }],
        };
        let body = body(&acl)?;
        self.at_all(&subject, || Request::grant(&policy.subject, body.clone()))
            .await
    }

    /// Deletes the policies of a subject at all brokers: that on `resource`, or all.
    ///
    /// # Errors
    /// `Schema`: there is none. Else as [`users`](Self::users).
    pub async fn revoke(&self, subject: &str, resource: Option<&str>) -> Result<()> {
        let what = match resource {
            Some(resource) => format!("policy of {subject} on {resource}, to be deleted"),
            None => format!("policies of {subject}, to be deleted"),
        };
        let known = self.policies(subject, resource.unwrap_or_default()).await?;
        let is_meant = |policy: &Policy| {
            policy.subject == subject && resource.is_none_or(|r| policy.resource == r)
        };
        if !known.iter().any(is_meant) {
            return Err(Error::new(
                ErrorKind::Schema,
                format!("{what}: no broker knows it"),
            ));
        }
        self.at_all(&what, || Request::revoke(subject, resource))
            .await
    }

    /// A list, of which brokers leave out the body where it is empty.
    async fn list<T: DeserializeOwned>(
        &self,
        address: &str,
        subject: &(dyn fmt::Display + Sync),
        request: Request,
    ) -> Result<Vec<T>> {
        let (link, answer) = self.ask(address, subject, request).await?;
        if answer.code != code::SUCCESS {
            return Err(refused(subject, &link, &answer));
        }
        let body = answer.into_body();
        match body.is_empty() {
            true => Ok(Vec::new()),
            false => answers::parse(subject, &link, &body),
        }
    }

    async fn at_all(
        &self,
        subject: &(dyn fmt::Display + Sync),
        request: impl Fn() -> Request,
    ) -> Result<()> {
        for address in self.masters().await?.values() {
            let (link, answer) = self.ask(address, subject, request()).await?;
            if answer.code != code::SUCCESS {
                return Err(refused(subject, &link, &answer));
            }
        }
        Ok(())
    }
}

/// The error of a refusal. A broker that has no access control fails inside.
fn refused(
    subject: &(dyn fmt::Display + Sync),
    link: &crate::rocketmq::link::Link,
    answer: &Answer,
) -> Error {
    let remark = answer.remark();
    let without = [
        "MetadataProvider is not configured",
        "An system error occurred",
    ];
    if answer.code == code::SYSTEM_ERROR && without.iter().any(|text| remark.contains(text)) {
        return Error::new(
            ErrorKind::Unsupported,
            format!(
                "{subject}: the broker at {} has no access control of version 2.0; set \
                 authenticationEnabled and authorizationEnabled in its configuration",
                link.address()
            ),
        )
        .with_code(answer.code.to_string());
    }
    link.refused(subject, answer)
}

fn user_info(
    name: &str,
    user: &NewUser,
    kind: Option<UserKind>,
    enabled: Option<bool>,
) -> Result<String> {
    let enabled = user.enabled.or(enabled);
    body(&UserInfo {
        username: name.to_owned(),
        password: user.password.clone(),
        user_type: user.kind.or(kind).map(|kind| kind.name().to_owned()),
        user_status: enabled.map(|on| if on { "enable" } else { "disable" }.to_owned()),
    })
}

fn body(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|e| Error::new(ErrorKind::Internal, "the request has no form").with_source(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_sent_never_taken_and_never_shown() {
        let user = NewUser {
            password: Some("planted".into()),
            ..NewUser::default()
        };
        assert!(!format!("{user:?}").contains("planted"));
        let sent = user_info("ann", &user, Some(UserKind::Normal), Some(true)).unwrap();
        assert_eq!(
            sent,
            r#"{"username":"ann","password":"planted","userType":"Normal","userStatus":"enable"}"#
        );
        let taken: UserInfo = serde_json::from_str(&sent).unwrap();
        assert_eq!(taken.password, None);
        let change = user_info("ann", &NewUser::default(), None, None).unwrap();
        assert_eq!(change, r#"{"username":"ann"}"#);
    }
}
