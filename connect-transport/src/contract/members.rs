//! Members of groups and their claims.
use super::topic;
use crate::{Joining, Member, Transport};
use connect_api::Result;
use std::sync::Arc;

async fn join(
    transport: &Arc<dyn Transport>,
    group: &str,
    topic: &str,
    name: &str,
) -> Result<Box<dyn Member>> {
    let joining = Joining {
        group: group.into(),
        topics: vec![topic.into()],
        owner: topic.into(),
        name: name.into(),
    };
    transport.join(joining).await
}

/// Of two members of a group one has a queue at a time; the other is notified, and gets the
/// queue when it was given up.
pub async fn a_queue_has_one_member_of_a_group(
    transport: &Arc<dyn Transport>,
    unique: &str,
) -> Result<()> {
    let name = format!("{unique}-claims");
    let queues = topic(transport, &name, 3).await?;
    let group = format!("{unique}-members");
    transport.create_group(&group).await?;
    let mut first = join(transport, &group, &name, "first").await?;
    let mut second = join(transport, &group, &name, "second").await?;
    let mut apart = join(transport, &format!("{group}-2"), &name, "apart").await?;

    let claim = first.claim(&queues).await?;
    assert_eq!(claim.held, queues, "a member that is alone holds all");
    assert!(claim.others.is_empty(), "{:?}", claim.others);
    let claim = second.claim(&queues[1..]).await?;
    assert!(claim.held.is_empty(), "held twice: {:?}", claim.held);
    let named = claim.others.iter().any(|peer| peer.name.contains("first"));
    assert!(named, "the holder is not named: {:?}", claim.others);
    assert!(claim.others.iter().all(|peer| peer.heeds_claims));
    let claim = apart.claim(&queues).await?;
    assert_eq!(claim.held, queues, "groups do not hinder one another");

    // What is no longer asked for is free at once.
    let claim = first.claim(&queues[..2]).await?;
    assert_eq!(claim.held, queues[..2]);
    assert_eq!(second.claim(&queues[1..]).await?.held, queues[2..]);
    assert_eq!(first.claim(&queues).await?.held, queues[..2]);
    first.leave().await?;
    assert_eq!(second.claim(&queues[1..]).await?.held, queues[1..]);
    second.leave().await?;
    apart.leave().await
}
