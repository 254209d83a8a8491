//! What brokers ask their clients, on behalf of tools.
use super::groups::Groups;
use rocketmq_error::SharedError;
use rocketmq_protocol::{
    RemotingCommand,
    protocol::remoting_command_defaults::{RemotingCommandDefaults, RemotingCommandFactory},
};
use rocketmq_transport::api::{
    ProtocolNoResponseReason, RemotingRequest, RemotingResponse, RequestProcessor, ResponseAction,
};
use std::sync::Arc;
use tracing::{debug, warn};

/// Codes of requests to clients (`RequestCode.java`).
mod asked {
    pub(super) const CHECK_TRANSACTION_STATE: i32 = 39;
    pub(super) const CONSUMER_IDS_CHANGED: i32 = 40;
    pub(super) const RESET_OFFSET: i32 = 220;
    pub(super) const CONSUMER_STATUS: i32 = 221;
    pub(super) const RUNNING_INFO: i32 = 307;
}

const SUCCESS: i32 = 0;
const SYSTEM_ERROR: i32 = 1;
const NOT_SUPPORTED: i32 = 3;

/// Answers brokers.
#[derive(Clone)]
pub(super) struct Inbound {
    groups: Arc<Groups>,
}

impl Inbound {
    pub(super) fn new(groups: Arc<Groups>) -> Self {
        Self { groups }
    }

    /// The answer's code, its remark, and its body.
    fn answer(&self, request: &RemotingCommand) -> (i32, Option<String>, Option<String>) {
        let field = |name: &str| {
            let fields = request.ext_fields();
            fields
                .and_then(|fields| fields.get(name))
                .map_or("", |value| value.as_str())
        };
        match request.code() {
            asked::RUNNING_INFO => {
                let group = field("consumerGroup");
                match self.groups.running_info(group) {
                    Some(info) => (SUCCESS, None, Some(info)),
                    None => {
                        let remark = format!("this client is no member of group {group}");
                        (SYSTEM_ERROR, Some(remark), None)
                    }
                }
            }
            asked::CONSUMER_STATUS => {
                let status = self.groups.status(field("group"), field("topic"));
                (SUCCESS, None, Some(status))
            }
            asked::RESET_OFFSET => {
                let (group, topic) = (field("group"), field("topic"));
                warn!(
                    group,
                    topic,
                    "a broker without useServerSideResetOffset asks to begin elsewhere, which is \
                     left undone; set useServerSideResetOffset=true there, or stop the sink and \
                     reset the offsets then"
                );
                (NOT_SUPPORTED, None, None)
            }
            // Members look for one another on their own time, and nothing is sent in transactions.
            asked::CONSUMER_IDS_CHANGED | asked::CHECK_TRANSACTION_STATE => (SUCCESS, None, None),
            code => {
                debug!(code, "a broker asks what is not answered here");
                let remark = format!("request code {code} is not supported by RocketMQ Connect");
                (NOT_SUPPORTED, Some(remark), None)
            }
        }
    }
}

impl RequestProcessor for Inbound {
    async fn process(
        &mut self,
        request: &mut RemotingRequest,
    ) -> Result<ResponseAction, SharedError> {
        let (code, remark, body) = self.answer(request.command());
        let silent = match request.command().code() {
            asked::CONSUMER_IDS_CHANGED => Some(ProtocolNoResponseReason::NotificationHandled),
            asked::RESET_OFFSET | asked::CHECK_TRANSACTION_STATE => {
                Some(ProtocolNoResponseReason::CallbackHandled)
            }
            _ => None,
        };
        // A request that expects no answer cannot be marked so once more.
        if let Some(reason) = silent
            && let Ok(none) = request.protocol_no_response(reason)
        {
            return Ok(ResponseAction::NoReply(none));
        }
        let factory = RemotingCommandFactory::new(RemotingCommandDefaults::default());
        let mut head = factory.create_response_command_with_code(code);
        if let Some(remark) = remark {
            head = head.set_remark(remark);
        }
        let response = match body {
            Some(body) => RemotingResponse::bytes(head, body.into_bytes().into()),
            None => RemotingResponse::command(head),
        };
        // The head is a response without a body: that it is not taken cannot be.
        Ok(ResponseAction::Reply(response.unwrap_or_else(|_| {
            RemotingResponse::empty_response(SYSTEM_ERROR)
        })))
    }
}
