//! `rocketmq-connect topics`.
use super::{args::TopicAction, confirm::confirm, done, joined, table::Table, time};
use crate::output;
use connect_api::Result;
use connect_transport::rocketmq::admin::{Admin, Origin, Topic, TopicChange, TopicSettings};

pub(super) async fn run(admin: &Admin, action: TopicAction, json: bool) -> Result<()> {
    match action {
        TopicAction::List { all } => list(admin, all, json).await,
        TopicAction::Show { topic } => show(&admin.topic(&topic).await?, json),
        TopicAction::Create {
            topic,
            queues,
            permission,
            message_type,
            queue_type,
        } => {
            let settings = TopicSettings {
                queues,
                permission,
                message_type: message_type.into(),
                queue_type: queue_type.into(),
            };
            admin.create_topic(&topic, &settings).await?;
            done(
                json,
                &format!("topic {topic}: created, with {queues} queues"),
            )
        }
        TopicAction::Change {
            topic,
            queues,
            read_queues,
            write_queues,
            permission,
            sure,
        } => {
            let change = TopicChange {
                read_queues: queues.or(read_queues),
                write_queues: queues.or(write_queues),
                permission,
            };
            if let Some(kept) = change.read_queues {
                let behind = admin.left_behind(&topic, kept).await?;
                if behind > 0 {
                    let what = format!(
                        "topic {topic}: {behind} messages are in queues that would not be read any \
                         more"
                    );
                    confirm(sure, &what)?;
                }
            }
            admin.change_topic(&topic, &change).await?;
            done(json, &format!("topic {topic}: changed"))
        }
        TopicAction::Delete { topic, sure } => {
            let found = admin.topic(&topic).await?;
            let messages: i64 = found.queues.iter().map(|q| q.max - q.min).sum();
            let what = format!("topic {topic}: to be deleted with {messages} messages");
            confirm(sure, &what)?;
            admin.delete_topic(&topic).await?;
            done(json, &format!("topic {topic}: deleted"))
        }
    }
}

async fn list(admin: &Admin, all: bool, json: bool) -> Result<()> {
    let mut topics = admin.topics().await?;
    topics.retain(|topic| all || topic.origin == Origin::User);
    if json {
        return output::print_json(&topics);
    }
    let mut table = Table::new(&["TOPIC", "READ", "WRITE", "PERMISSION", "BROKERS"]);
    for topic in topics {
        let away = topic.brokers.is_empty();
        table.row([
            topic.name,
            topic.read_queues.to_string(),
            topic.write_queues.to_string(),
            topic.permission.to_string(),
            match away {
                true => "(away)".to_owned(),
                false => joined(&topic.brokers),
            },
        ]);
    }
    table.print()
}

fn show(topic: &Topic, json: bool) -> Result<()> {
    if json {
        return output::print_json(topic);
    }
    let mut settings = Table::new(&["BROKER", "READ", "WRITE", "PERMISSION", "ATTRIBUTES"]);
    for at in &topic.brokers {
        let attributes = at
            .attributes
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let mut attributes: Vec<_> = attributes.collect();
        if at.ordered {
            attributes.push("ordered".to_owned());
        }
        settings.row([
            at.broker.clone(),
            at.read_queues.to_string(),
            at.write_queues.to_string(),
            at.permission.to_string(),
            joined(&attributes),
        ]);
    }
    settings.print()?;
    output::print("")?;
    let mut queues = Table::new(&["BROKER", "QUEUE", "MIN", "MAX", "MESSAGES", "LAST STORED"]);
    for queue in &topic.queues {
        queues.row([
            queue.broker.clone(),
            queue.queue.to_string(),
            queue.min.to_string(),
            queue.max.to_string(),
            (queue.max - queue.min).to_string(),
            time::shown(queue.last_stored),
        ]);
    }
    queues.print()?;
    output::print("")?;
    output::print(&match topic.groups.is_empty() {
        true => "no group reads it".to_owned(),
        false => format!("groups: {}", joined(&topic.groups)),
    })
}
