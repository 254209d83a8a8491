// RocketMQ's own Java client, for tests: what it sends is read by the transport, and the other way.
//
//   Client produce NAMESRV TOPIC single|batch|auto COUNT
//   Client push|pull NAMESRV TOPIC GROUP COUNT [TAGS]
//   Client retry NAMESRV TOPIC GROUP COUNT     as push; the message of key k1 is refused once
//
// A message is a line: queue, offset, times it was retried, then key, tag, property `n` and body,
// separated by tabs. Message i has the key `k<i>`, the tag `t<i mod 3>` (in a batch that the client
// gathers, all have `t0`), `n` = i and the body `body <i> …` of up to 40 bytes of UTF-8.
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

public class Client {
    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "produce" -> produce(args[1], args[2], args[3], Integer.parseInt(args[4]));
            case "pull" -> pull(args[1], args[2], args[3], Integer.parseInt(args[4]), tags(args));
            default -> push(args[0], args[1], args[2], args[3], Integer.parseInt(args[4]), tags(args));
        }
        // The client leaves threads behind.
        System.exit(0);
    }

    static String tags(String[] args) {
        return args.length > 5 ? args[5] : "*";
    }

    static Message message(String topic, int i, String tag) {
        var body = ("body " + i + " " + "ü".repeat(i % 10)).getBytes(StandardCharsets.UTF_8);
        var message = new Message(topic, tag, "k" + i, body);
        message.putUserProperty("n", Integer.toString(i));
        return message;
    }

    static void produce(String servers, String topic, String how, int count) throws Exception {
        var producer = new DefaultMQProducer("java-producer");
        producer.setNamesrvAddr(servers);
        producer.setSendMsgTimeout(20_000);
        producer.setAutoBatch(how.equals("auto"));
        producer.start();
        switch (how) {
            case "single" -> {
                for (int i = 0; i < count; i++) {
                    producer.send(message(topic, i, "t" + i % 3));
                }
            }
            case "batch" -> {
                List<Message> batch = new ArrayList<>();
                for (int i = 0; i < count; i++) {
                    batch.add(message(topic, i, "t" + i % 3));
                }
                producer.send(batch);
            }
            default -> {
                var left = new CountDownLatch(count);
                var failed = new AtomicReference<Throwable>();
                for (int i = 0; i < count; i++) {
                    producer.send(message(topic, i, "t0"), new SendCallback() {
                        @Override
                        public void onSuccess(SendResult result) {
                            left.countDown();
                        }

                        @Override
                        public void onException(Throwable e) {
                            failed.set(e);
                            left.countDown();
                        }
                    });
                }
                left.await(60, TimeUnit.SECONDS);
                if (failed.get() != null || left.getCount() > 0) {
                    throw new IllegalStateException("not sent: " + left.getCount(), failed.get());
                }
            }
        }
        producer.shutdown();
    }

    static void print(MessageExt m) {
        System.out.println(String.join("\t", Integer.toString(m.getQueueId()),
            Long.toString(m.getQueueOffset()), Integer.toString(m.getReconsumeTimes()),
            String.valueOf(m.getKeys()), String.valueOf(m.getTags()),
            String.valueOf(m.getUserProperty("n")),
            new String(m.getBody(), StandardCharsets.UTF_8)));
    }

    static void push(String how, String servers, String topic, String group, int count, String tags)
        throws Exception {
        var consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(servers);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, tags);
        var left = new CountDownLatch(count);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt m : messages) {
                if (how.equals("retry") && "k1".equals(m.getKeys()) && m.getReconsumeTimes() == 0) {
                    context.setDelayLevelWhenNextConsume(1);
                    return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                }
                synchronized (left) {
                    print(m);
                }
                left.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        left.await(30, TimeUnit.SECONDS);
        consumer.shutdown();
    }

    static void pull(String servers, String topic, String group, int count, String tags)
        throws Exception {
        var consumer = new DefaultLitePullConsumer(group);
        consumer.setNamesrvAddr(servers);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, tags);
        consumer.start();
        var deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        for (int came = 0; came < count && System.nanoTime() < deadline; ) {
            var messages = consumer.poll(500);
            messages.forEach(Client::print);
            came += messages.size();
        }
        consumer.shutdown();
    }
}
