//! The RocketMQ client's hook that signs every request.
use crate::Credentials;
use cheetah_string::CheetahString;
use rocketmq_error::SharedError;
use rocketmq_protocol::protocol::remoting_command::RemotingCommand;
use rocketmq_transport::api::RPCHook;
use std::{net::SocketAddr, sync::Arc};

/// A hook for the RocketMQ client that signs every request with `credentials`; give it to the
/// client's instance, which then signs data, offsets and administration alike.
pub fn signing_hook(credentials: Credentials) -> Arc<dyn RPCHook> {
    Arc::new(SigningHook(credentials))
}

struct SigningHook(Credentials);

impl RPCHook for SigningHook {
    fn do_before_request(
        &self,
        _remote: SocketAddr,
        request: &mut RemotingCommand,
    ) -> Result<(), SharedError> {
        let Self(credentials) = self;
        request.ensure_ext_fields_initialized();
        request.add_ext_field("AccessKey", credentials.access_key());
        if let Some(token) = credentials.security_token() {
            request.add_ext_field("SecurityToken", token);
        }
        // The header's fields are signed too, so they must be among the fields by now.
        request.make_custom_header_to_net();
        let mut fields: Vec<(&str, &str)> = request
            .ext_fields()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        fields.sort_unstable();
        let body = request.body().map_or(&[][..], AsRef::as_ref);
        let signature = credentials.sign(fields, body);
        request.add_ext_field("Signature", CheetahString::from_string(signature));
        Ok(())
    }

    fn do_after_response(
        &self,
        _remote: SocketAddr,
        _request: &RemotingCommand,
        _response: &mut RemotingCommand,
    ) -> Result<(), SharedError> {
        Ok(())
    }
}
