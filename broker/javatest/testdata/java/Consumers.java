import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;

/** Consumers of one member: positions, commits and subscriptions. */
final class Consumers {
    private static final List<String> PROTOCOLS = List.of("classic", "consumer");

    private Consumers() {}

    static void add(Map<String, Main.Scenario> all) {
        all.put("consumer/unknown-group", Consumers::unknown);
        all.put("consumer/positions", Consumers::positions);
        for (String protocol : PROTOCOLS) {
            all.put("consumer/commits-" + protocol, (client, report) -> commits(client, report, protocol));
            all.put("consumer/pattern-" + protocol, (client, report) -> pattern(client, report, protocol));
            all.put("consumer/auto-commit-" + protocol, (client, report) -> autoCommit(client, report, protocol));
        }
        all.put("consumer/refusals", Consumers::refusals);
    }

    private static void unknown(Client client, Report report) throws Exception {
        client.topics(1, "unknown");
        client.fill("unknown", 0, 3);
        TopicPartition p = new TopicPartition("unknown", 0);
        for (String protocol : PROTOCOLS) {
            try (KafkaConsumer<String, String> consumer = client.consumer("group.id", "unknown-" + protocol, "group.protocol", protocol)) {
                report.tries(protocol + " committed", () -> consumer.committed(Set.of(p)));
                consumer.assign(List.of(p));
                report.tries(protocol + " position", () -> consumer.position(p));
                report.tries(protocol + " read", () -> Client.take(consumer, 3));
                report.tries(protocol + " committed of an unknown partition", () ->
                    consumer.committed(Set.of(new TopicPartition("unknown-not", 4)), Duration.ofSeconds(5)));
            }
        }
        try (KafkaConsumer<String, String> consumer = client.consumer("group.id", "unknown-none", "auto.offset.reset", "none")) {
            consumer.assign(List.of(p));
            report.tries("no reset", () -> Client.take(consumer, 1));
        }
    }

    private static void positions(Client client, Report report) throws Exception {
        client.topics(1, "positions");
        client.fill("positions", 0, 10);
        TopicPartition p = new TopicPartition("positions", 0);
        for (String protocol : PROTOCOLS) {
            try (KafkaConsumer<String, String> consumer = client.consumer("group.id", "positions-" + protocol, "group.protocol", protocol,
                "max.poll.records", 100)) {
                consumer.assign(List.of(p));
                consumer.seek(p, 7);
                report.tries("from 7", () -> Client.take(consumer, 3));
                consumer.seekToBeginning(List.of(p));
                report.tries("beginning", () -> consumer.position(p));
                consumer.seekToEnd(List.of(p));
                report.tries("end", () -> consumer.position(p));
                consumer.seek(p, consumer.offsetsForTimes(Map.of(p, 1008L)).get(p).offset());
                report.tries("from a time", () -> Client.take(consumer, 2));
                consumer.seek(p, 99);
                report.tries("beyond the end", () -> Client.take(consumer, 10).size());
                consumer.pause(List.of(p));
                consumer.seekToBeginning(List.of(p));
                report.tries("paused", () -> consumer.poll(Duration.ofMillis(200)).count());
                consumer.resume(List.of(p));
                report.tries("resumed", () -> Client.take(consumer, 10).size());
                report.tries("lag", () -> consumer.currentLag(p));
            }
        }
        try (KafkaConsumer<String, String> consumer = client.consumer("auto.offset.reset", "none")) {
            consumer.assign(List.of(p));
            consumer.seek(p, 99);
            report.tries("beyond the end without reset", () -> Client.take(consumer, 1));
        }
    }

    private static void commits(Client client, Report report, String protocol) throws Exception {
        String topic = "commits-" + protocol;
        client.topics(2, topic);
        client.fill(topic, 0, 10);
        TopicPartition p = new TopicPartition(topic, 0);
        TopicPartition other = new TopicPartition(topic, 1);
        Object[] settings = {"group.id", topic, "group.protocol", protocol, "max.poll.records", 4};
        try (KafkaConsumer<String, String> consumer = client.consumer(settings)) {
            consumer.subscribe(List.of(topic));
            report.tries("first four", () -> Client.take(consumer, 4));
            consumer.commitSync();
            report.tries("committed", () -> consumer.committed(Set.of(p, other)));
            consumer.commitSync(Map.of(p, new OffsetAndMetadata(3, "note")));
            report.tries("committed with a note", () -> consumer.committed(Set.of(p)));
            report.tries("note too long", () -> {
                consumer.commitSync(Map.of(p, new OffsetAndMetadata(3, "x".repeat(5000))));
                return "committed";
            });
            Object[] told = new Object[1];
            consumer.commitAsync(Map.of(p, new OffsetAndMetadata(4)), (offsets, error) -> told[0] = error == null ? offsets : error);
            Client.until("told", () -> consumer.poll(Duration.ofMillis(10)) != null && told[0] != null);
            report.say("committed later", told[0]);
        }
        try (KafkaConsumer<String, String> consumer = client.consumer(settings)) {
            consumer.subscribe(List.of(topic));
            report.tries("the next four", () -> Client.take(consumer, 4));
            consumer.commitSync();
            report.restart();
            client.fill(topic, 0, 2);
            report.tries("the rest and new ones", () -> Client.take(consumer, 4));
            Client.until("committed", () -> {
                consumer.commitSync();
                return true;
            });
            report.tries("committed after a restart", () -> consumer.committed(Set.of(p, other)));
        }
    }

    private static void pattern(Client client, Report report, String protocol) throws Exception {
        String prefix = "pattern-" + protocol;
        client.topics(1, prefix + "-a", "no-" + prefix);
        try (Admin admin = client.admin(); KafkaConsumer<String, String> consumer = client.consumer("group.id", prefix, "group.protocol",
            protocol, "metadata.max.age.ms", 300)) {
            consumer.subscribe(Pattern.compile(prefix + ".*"));
            follow(admin, consumer, report, prefix, "b");
        }
        try (Admin admin = client.admin(); KafkaConsumer<String, String> consumer = client.consumer("group.id", prefix + "-server",
            "group.protocol", protocol)) {
            report.tries("pattern for the broker", () -> {
                consumer.subscribe(new SubscriptionPattern(prefix + ".*"));
                return "subscribed";
            });
            if (protocol.equals("consumer")) {
                follow(admin, consumer, report, prefix, "c");
            }
        }
        if (protocol.equals("consumer")) {
            try (KafkaConsumer<String, String> consumer = client.consumer("group.id", prefix + "-bad", "group.protocol", protocol)) {
                consumer.subscribe(new SubscriptionPattern("["));
                report.tries("bad pattern", () -> Client.take(consumer, 1));
            }
        }
    }

    /** Waits for a pattern's topics, and for one that comes later. */
    private static void follow(Admin admin, KafkaConsumer<String, String> consumer, Report report, String prefix,
        String more) throws Exception {
        int before = more.equals("b") ? 1 : 2;
        Client.until("assigned", () -> consumer.poll(Duration.ofMillis(20)) != null && consumer.assignment().size() == before);
        admin.createTopics(List.of(new NewTopic(prefix + "-" + more, 1, (short) 1))).all().get();
        Client.until("assigned more", () -> consumer.poll(Duration.ofMillis(20)) != null && consumer.assignment().size() == before + 1);
        report.say("assigned", Report.show(consumer.assignment()));
        report.say("subscribed", Report.show(consumer.subscription()));
    }

    private static void autoCommit(Client client, Report report, String protocol) throws Exception {
        String topic = "auto-commit-" + protocol;
        client.topics(1, topic);
        client.fill(topic, 0, 5);
        Object[] settings = {"group.id", topic, "group.protocol", protocol, "enable.auto.commit", "true", "auto.commit.interval.ms", 100};
        TopicPartition p = new TopicPartition(topic, 0);
        try (KafkaConsumer<String, String> consumer = client.consumer(settings)) {
            consumer.subscribe(List.of(topic));
            report.tries("read", () -> Client.take(consumer, 5));
            Client.until("committed", () -> consumer.poll(Duration.ofMillis(20)) != null && consumer.committed(Set.of(p)).get(p) != null);
        }
        client.fill(topic, 0, 2);
        try (KafkaConsumer<String, String> consumer = client.consumer(settings)) {
            consumer.subscribe(List.of(topic));
            report.tries("read on", () -> Client.take(consumer, 2));
        }
        try (KafkaConsumer<String, String> consumer = client.consumer(settings)) {
            report.tries("committed at the close", () -> consumer.committed(Set.of(p)));
        }
    }

    private static void refusals(Client client, Report report) throws Exception {
        client.topics(1, "refusals");
        for (String protocol : PROTOCOLS) {
            try (KafkaConsumer<String, String> consumer = client.consumer("group.id", "refusals-" + protocol, "group.protocol", protocol)) {
                report.tries(protocol + " invalid topic", () -> {
                    consumer.subscribe(List.of("no/such?"));
                    return Client.take(consumer, 1);
                });
            }
            try (KafkaConsumer<String, String> consumer = client.consumer("group.id", "refusals-" + protocol, "group.protocol", protocol)) {
                consumer.assign(List.of(new TopicPartition("refusals", 0)));
                report.tries(protocol + " commit of a lone consumer", () -> {
                    consumer.commitSync(Map.of(new TopicPartition("refusals", 0), new OffsetAndMetadata(1)));
                    return "committed";
                });
            }
            try (KafkaConsumer<String, String> consumer = client.consumer("group.id", "refusals-" + protocol, "group.protocol", protocol,
                "default.api.timeout.ms", 3000)) {
                consumer.assign(List.of(new TopicPartition("refusals", 0)));
                report.tries(protocol + " commit of an unknown partition", () -> {
                    consumer.commitSync(Map.of(new TopicPartition("refusals", 9), new OffsetAndMetadata(1)));
                    return "committed";
                });
                report.tries(protocol + " commit of a negative offset", () -> {
                    consumer.commitSync(Map.of(new TopicPartition("refusals", 0), new OffsetAndMetadata(-1)));
                    return "committed";
                });
            }
        }
        try (KafkaConsumer<String, String> consumer = client.consumer("group.id", "refusals-session", "session.timeout.ms", 10,
            "heartbeat.interval.ms", 1)) {
            consumer.subscribe(List.of("refusals"));
            report.tries("session too short", () -> Client.take(consumer, 1));
        }
        try (KafkaConsumer<String, String> consumer = client.consumer("group.id", "refusals-assignor", "group.protocol", "consumer",
            "group.remote.assignor", "none")) {
            consumer.subscribe(List.of("refusals"));
            report.tries("unknown assignor", () -> Client.take(consumer, 1));
        }
    }
}
