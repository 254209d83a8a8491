//! The body of a pull's answer, as a broker that means harm might send it.
#![no_main]
use bytes::Bytes;
use connect_transport::rocketmq::decode_pull;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: &[u8]| {
    // The first byte says from where on was asked, so that some pulls begin inside of a batch.
    let Some((from, answer)) = answer.split_first() else {
        return;
    };
    let from = i64::from(*from);
    let Ok(pulled) = decode_pull(Bytes::copy_from_slice(answer), from, 0, 0) else {
        return;
    };
    let mut before = from - 1;
    for message in pulled.iter() {
        assert!(message.offset > before && message.offset < pulled.next);
        before = message.offset;
        assert!(message.body.len() <= 32 << 20);
        let properties = message.properties.iter();
        let length: usize = properties
            .map(|(name, value)| name.len() + value.len())
            .sum();
        assert!(length <= 32_767 || length <= answer.len());
    }
});
