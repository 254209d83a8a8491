//! RocketMQ access control: credentials, request signing, TLS settings
