//! The body of a pull's answer, as a broker that means harm might send it.
#![no_main]
use bytes::Bytes;
use connect_transport::rocketmq::decode_pull;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: &[u8]| {
    let Ok(pulled) = decode_pull(Bytes::copy_from_slice(answer), 0, 0) else {
        return;
    };
    for message in pulled.iter() {
        assert!(message.offset < pulled.next);
        let properties = message.properties.iter();
        let length: usize = properties
            .map(|(name, value)| name.len() + value.len())
            .sum();
        assert!(length <= answer.len());
    }
});
