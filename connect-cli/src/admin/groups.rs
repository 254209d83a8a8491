//! `rocketmq-connect groups`.
use super::{
    args::{GroupAction, Target},
    confirm::confirm,
    done, joined, number,
    table::Table,
};
use crate::output;
use connect_api::Result;
use connect_transport::rocketmq::admin::{Admin, Group, GroupSummary, QueueReset, ResetTo};
use serde::Serialize;

pub(super) async fn run(admin: &Admin, action: GroupAction, json: bool) -> Result<()> {
    match action {
        GroupAction::List { lag, all } => list(admin, lag, all, json).await,
        GroupAction::Show { group } => show(&admin.group(&group).await?, json),
        GroupAction::Create { group, retries } => {
            admin.create_group(&group, retries).await?;
            done(json, &format!("group {group}: created"))
        }
        GroupAction::Delete { group, sure } => {
            let found = admin.group(&group).await?;
            let what = format!(
                "group {group}: to be deleted with its offsets in {} queues",
                found
                    .queues
                    .iter()
                    .filter(|q| q.committed.is_some())
                    .count()
            );
            confirm(sure, &what)?;
            admin.delete_group(&group).await?;
            done(json, &format!("group {group}: deleted"))
        }
        GroupAction::Reset {
            group,
            topic,
            to,
            queues,
            sure,
        } => {
            let to = match to {
                Target::Earliest => ResetTo::Earliest,
                Target::Latest => ResetTo::Latest,
                Target::Time(moment) => ResetTo::Time(moment.millis()),
                Target::Offset(offset) => ResetTo::Offset(offset),
            };
            let plan = admin.plan_reset(&group, &topic, &queues, to).await?;
            if !json {
                print(&plan)?;
            }
            let what = format!("group {group}: offsets in topic {topic} to be set so");
            confirm(sure, &what)?;
            admin.reset(&group, &plan).await?;
            if json {
                return output::print_json(&plan);
            }
            output::print(&format!("group {group}: offsets in topic {topic} set"))
        }
    }
}

/// A group in a list, with what was asked for beside.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    group: GroupSummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lag: Option<i64>,
}

async fn list(admin: &Admin, lag: bool, all: bool, json: bool) -> Result<()> {
    let mut listed = Vec::new();
    for group in admin.groups().await? {
        if group.system && !all {
            continue;
        }
        let found = match lag {
            true => Some(admin.group(&group.name).await?),
            false => None,
        };
        listed.push(Listed {
            group,
            members: found.as_ref().map(|found| found.members.len()),
            lag: found.map(|found| found.lag),
        });
    }
    if json {
        return output::print_json(&listed);
    }
    let mut headings = vec!["GROUP", "ENABLED", "RETRIES", "BROKERS"];
    if lag {
        headings.extend(["MEMBERS", "LAG"]);
    }
    let mut table = Table::new(&headings);
    for Listed {
        group,
        members,
        lag,
    } in listed
    {
        let mut cells = vec![
            group.name,
            if group.enabled { "yes" } else { "no" }.to_owned(),
            group.retries.to_string(),
            joined(&group.brokers),
        ];
        cells.extend(
            [members.map(|n| n.to_string()), lag.map(|n| n.to_string())]
                .into_iter()
                .flatten(),
        );
        table.row(cells);
    }
    table.print()
}

fn show(group: &Group, json: bool) -> Result<()> {
    if json {
        return output::print_json(group);
    }
    let mut members = Table::new(&["MEMBER", "ADDRESS", "LANGUAGE", "CONSUMES", "MODEL"]);
    for member in &group.members {
        members.row([
            member.client.clone(),
            member.address.clone(),
            member.language.clone(),
            member.consumes.clone(),
            member.model.clone(),
        ]);
    }
    members.print()?;
    if group.members.is_empty() {
        output::print("nobody consumes as this group now")?;
    }
    output::print("")?;
    let mut queues = Table::new(&[
        "TOPIC",
        "BROKER",
        "QUEUE",
        "MIN",
        "MAX",
        "COMMITTED",
        "LAG",
        "MEMBER",
    ]);
    for queue in &group.queues {
        queues.row([
            queue.topic.clone(),
            queue.broker.clone(),
            queue.queue.to_string(),
            queue.min.to_string(),
            queue.max.to_string(),
            queue
                .committed
                .map_or("-".to_owned(), |offset| offset.to_string()),
            queue.lag.to_string(),
            queue.member.clone().unwrap_or_default(),
        ]);
    }
    queues.print()?;
    output::print(&format!("lag: {}", group.lag))
}

fn print(plan: &[QueueReset]) -> Result<()> {
    let mut table = Table::new(&["QUEUE", "FROM", "TO", "MOVES BY"]);
    for reset in plan {
        table.row([
            reset.queue.to_string(),
            reset
                .from
                .map_or("-".to_owned(), |offset| offset.to_string()),
            reset.to.to_string(),
            number(reset.distance()),
        ]);
    }
    table.print()
}
