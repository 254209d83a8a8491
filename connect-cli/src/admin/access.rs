//! `rocketmq-connect acl`.
use super::{
    args::{AclAction, Action, PolicyAction, UserAction},
    confirm::confirm,
    done, joined,
    table::Table,
};
use crate::output;
use clap::ValueEnum as _;
use connect_api::{Error, ErrorKind, Result};
use connect_transport::rocketmq::admin::{Admin, Effect, NewUser, Policy, UserKind};

pub(super) async fn run(admin: &Admin, action: AclAction, json: bool) -> Result<()> {
    match action {
        AclAction::Users(action) => users(admin, action, json).await,
        AclAction::Policies(action) => policies(admin, action, json).await,
    }
}

async fn users(admin: &Admin, action: UserAction, json: bool) -> Result<()> {
    match action {
        UserAction::List => list_users(admin, json).await,
        UserAction::Create {
            name,
            password,
            kind,
        } => {
            let user = NewUser {
                password: Some(secret(&password)?),
                kind: Some(kind.into()),
                enabled: Some(true),
            };
            admin.create_user(&name, &user).await?;
            done(json, &format!("user {name}: created"))
        }
        UserAction::Change {
            name,
            password,
            kind,
            enable,
            disable,
        } => {
            let change = NewUser {
                password: password.as_deref().map(secret).transpose()?,
                kind: kind.map(Into::into),
                enabled: (enable || disable).then_some(enable),
            };
            admin.change_user(&name, &change).await?;
            done(json, &format!("user {name}: changed"))
        }
        UserAction::Delete { name, sure } => {
            confirm(sure, &format!("user {name}: to be deleted"))?;
            admin.delete_user(&name).await?;
            done(json, &format!("user {name}: deleted"))
        }
    }
}

/// What a reference stands for.
fn secret(reference: &str) -> Result<String> {
    if !acl::reference::contains(reference) {
        return Err(Error::new(
            ErrorKind::Config,
            "--password: everybody on this machine can read a command line; give ${env:NAME} or \
             ${file:/path}",
        ));
    }
    acl::reference::resolve(reference)
        .map(std::borrow::Cow::into_owned)
        .map_err(|e| Error::new(ErrorKind::Config, "--password").with_source(e))
}

async fn list_users(admin: &Admin, json: bool) -> Result<()> {
    let users = admin.users().await?;
    if json {
        return output::print_json(&users);
    }
    let mut table = Table::new(&["USER", "TYPE", "ENABLED", "BROKERS"]);
    for user in users {
        let kind = match user.kind {
            UserKind::Super => "super",
            UserKind::Normal => "normal",
        };
        table.row([
            user.name,
            kind.to_owned(),
            if user.enabled { "yes" } else { "no" }.to_owned(),
            joined(&user.brokers),
        ]);
    }
    table.print()
}

async fn policies(admin: &Admin, action: PolicyAction, json: bool) -> Result<()> {
    match action {
        PolicyAction::List { subject, resource } => {
            list_policies(&admin.policies(&subject, &resource).await?, json)
        }
        PolicyAction::Grant {
            subject,
            resource,
            actions,
            addresses,
            deny,
        } => {
            let name = |action: Action| {
                let value = action.to_possible_value();
                value.map(|value| value.get_name().to_owned())
            };
            let policy = Policy {
                subject,
                resource,
                actions: actions.into_iter().filter_map(name).collect(),
                source_ips: addresses,
                effect: if deny { Effect::Deny } else { Effect::Allow },
                brokers: Vec::new(),
            };
            admin.grant(&policy).await?;
            let Policy {
                subject, resource, ..
            } = policy;
            done(json, &format!("policy of {subject} on {resource}: set"))
        }
        PolicyAction::Revoke {
            subject,
            resource,
            sure,
        } => {
            let what = match &resource {
                Some(resource) => format!("policy of {subject} on {resource}"),
                None => format!("all policies of {subject}"),
            };
            confirm(sure, &format!("{what}: to be deleted"))?;
            admin.revoke(&subject, resource.as_deref()).await?;
            done(json, &format!("{what}: deleted"))
        }
    }
}

fn list_policies(policies: &[Policy], json: bool) -> Result<()> {
    if json {
        return output::print_json(&policies);
    }
    let mut table = Table::new(&[
        "SUBJECT", "RESOURCE", "EFFECT", "ACTIONS", "FROM", "BROKERS",
    ]);
    for policy in policies {
        let effect = match policy.effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        };
        table.row([
            policy.subject.clone(),
            policy.resource.clone(),
            effect.to_owned(),
            joined(&policy.actions),
            joined(&policy.source_ips),
            joined(&policy.brokers),
        ]);
    }
    table.print()
}
