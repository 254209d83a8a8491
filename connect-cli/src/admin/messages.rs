//! `rocketmq-connect messages`.
use super::{
    args::{Find, MessageAction},
    table::{Table, printable},
    time,
};
use crate::output;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use connect_api::Result;
use connect_transport::rocketmq::admin::{Admin, Found, Messages};
use serde::Serialize;

/// A message in a document.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown {
    Whole {
        #[serde(flatten)]
        found: Found,
        bytes: usize,
        /// The body, where it is text.
        #[serde(skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// The body, where it is not.
        #[serde(skip_serializing_if = "Option::is_none")]
        body_base64: Option<String>,
    },
    Place {
        topic: String,
        broker: String,
        queue: u32,
        offset: i64,
        stored: i64,
        born: i64,
        id: Option<String>,
        keys: Option<String>,
        bytes: usize,
    },
}

#[derive(Serialize)]
struct Document {
    messages: Vec<Shown>,
    /// There may be more.
    more: bool,
}

pub(super) async fn run(admin: &Admin, action: MessageAction, json: bool) -> Result<()> {
    let MessageAction::Find(find) = action;
    let messages = find_them(admin, &find).await?;
    if json {
        let shown = messages
            .found
            .into_iter()
            .map(|found| shown(found, find.body));
        return output::print_json(&Document {
            messages: shown.collect(),
            more: messages.more,
        });
    }
    print(&messages, &find)
}

async fn find_them(admin: &Admin, find: &Find) -> Result<Messages> {
    let topic = &find.topic;
    let from = find.from.map_or(0, time::Moment::millis);
    let to = find.to.map_or(i64::MAX, time::Moment::millis);
    let limit = find.limit.get();
    match (&find.id, &find.key) {
        (Some(id), _) => Ok(Messages {
            found: admin.messages_by_id(topic, id).await?,
            more: false,
        }),
        (None, Some(key)) => admin.messages_by_key(topic, key, from..=to, limit).await,
        (None, None) => {
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            admin
                .messages_by_time(topic, &find.queues, from..=to, most)
                .await
        }
    }
}

fn shown(found: Found, whole: bool) -> Shown {
    let bytes = found.body.len();
    if !whole {
        return Shown::Place {
            topic: found.topic.to_string(),
            broker: found.broker.to_string(),
            queue: found.queue,
            offset: found.offset,
            stored: found.stored,
            born: found.born,
            id: found.id,
            keys: found.keys,
            bytes,
        };
    }
    let text = str::from_utf8(&found.body).ok().map(str::to_owned);
    let other = text.is_none().then(|| STANDARD.encode(&found.body));
    Shown::Whole {
        found,
        bytes,
        body: text,
        body_base64: other,
    }
}

fn print(messages: &Messages, find: &Find) -> Result<()> {
    if messages.found.is_empty() {
        return output::print("no message was found");
    }
    let headings = ["STORED", "BROKER", "QUEUE", "OFFSET", "KEYS", "ID", "BYTES"];
    let row = |found: &Found| {
        [
            time::shown(Some(found.stored)),
            found.broker.to_string(),
            found.queue.to_string(),
            found.offset.to_string(),
            found.keys.clone().unwrap_or_default(),
            found.id.clone().unwrap_or_default(),
            found.body.len().to_string(),
        ]
    };
    if find.body {
        for found in &messages.found {
            let mut table = Table::new(&headings);
            table.row(row(found));
            table.print()?;
            for (name, value) in &found.properties {
                output::print(&printable(&format!("    {name}: {value}")))?;
            }
            output::print(&match str::from_utf8(&found.body) {
                Ok(text) => printable(text),
                Err(_binary) => "(the body is no text; --json shows it as base64)".to_owned(),
            })?;
            output::print("")?;
        }
    } else {
        let mut table = Table::new(&headings);
        for found in &messages.found {
            table.row(row(found));
        }
        table.print()?;
    }
    if messages.more {
        let text = "there may be more: raise --limit, or narrow the time by --from and --to";
        output::print(text)?;
    }
    Ok(())
}
