import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/**
 * A Streams application with exactly_once_v2 that counts by key, across two restarts of its own and one of the broker. Its store
 * is in memory, and so each start reads the whole of its changelog.
 */
final class Pipeline {
    private static final int RECORDS = 20_000;
    private static final int KEYS = 10;

    private Pipeline() {}

    static void add(Map<String, Main.Scenario> all) {
        all.put("streams/exactly-once", (client, report) -> count(client, report, "classic", RECORDS));
    }

    private static void count(Client client, Report report, String protocol, int records) throws Exception {
        String in = "count-in-" + protocol;
        String out = "count-out-" + protocol;
        client.topics(2, in, out);
        List<Throwable> errors = Collections.synchronizedList(new ArrayList<>());
        try (KafkaConsumer<String, String> ends = client.consumer()) {
            run(client, report, protocol, records, errors, ends);
        }
        report.say("counts", counts(client, out, records));
        try (KafkaStreams streams = streams(client, protocol, errors)) {
            streams.cleanUp();
        }
        report.say("errors", errors);
    }

    private static void run(Client client, Report report, String protocol, int records, List<Throwable> errors, KafkaConsumer<String,
        String> ends) throws Exception {
        String in = "count-in-" + protocol;
        List<TopicPartition> out = List.of(new TopicPartition("count-out-" + protocol, 0), new TopicPartition("count-out-" + protocol, 1));
        int parts = 4;
        for (int part = 0; part < parts; part++) {
            if (part != 2) { // the third of the records comes while the application runs
                feed(client, in, part * records / parts, records / parts);
            }
            if (part == 2) {
                report.restart();
            }
            KafkaStreams streams = streams(client, protocol, errors);
            try {
                streams.start();
                if (part == 2) {
                    feed(client, in, part * records / parts, records / parts);
                }
                int until = (part + 1) * records / parts - (part == parts - 1 ? 0 : records / parts / 2); // it is stopped at work
                Client.until("counted", () -> {
                    if (!errors.isEmpty()) {
                        throw new AssertionError(Report.failure(errors.get(0)), errors.get(0));
                    }
                    return ends.endOffsets(out).values().stream().mapToLong(o -> o).sum() >= until; // with markers
                });
            } finally {
                streams.close(CloseOptions.timeout(Duration.ofSeconds(10))
                    .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
            }
        }
    }

    private static KafkaStreams streams(Client client, String protocol, List<Throwable> errors) {
        Properties settings = new Properties();
        settings.putAll(client.settings("application.id", "count-" + protocol, "processing.guarantee", "exactly_once_v2",
            "commit.interval.ms", 100, "num.stream.threads", 1,
            "statestore.cache.max.bytes", 0, "auto.offset.reset", "earliest", "replication.factor", 1, "state.dir",
                System.getProperty("java.io.tmpdir") + "/streams",
            "group.protocol", protocol));
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream("count-in-" + protocol, Consumed.with(Serdes.String(), Serdes.String())).groupByKey()
            .count(Materialized.<String, Long>as(Stores.inMemoryKeyValueStore("counts"))
                .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()))
            .toStream().mapValues(n -> "" + n).to("count-out-" + protocol, Produced.with(Serdes.String(), Serdes.String()));
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        streams.setUncaughtExceptionHandler(e -> {
            errors.add(e);
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        return streams;
    }

    private static void feed(Client client, String topic, int from, int records) throws Exception {
        try (KafkaProducer<String, String> producer = client.producer("linger.ms", 5)) {
            List<Future<?>> sent = new ArrayList<>();
            for (int i = from; i < from + records; i++) {
                sent.add(producer.send(new ProducerRecord<>(topic, i % KEYS % 2, "k" + i % KEYS, "v")));
            }
            for (Future<?> one : sent) {
                one.get();
            }
        }
    }

    /** Reads the counts of each key, which must go up by one, without a gap or a repetition, and gives the last ones. */
    private static String counts(Client client, String topic, int records) throws Exception {
        Map<String, Long> last = new HashMap<>();
        List<String> wrong = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = client.consumer("isolation.level", "read_committed", "max.poll.records", 5000)) {
            consumer.assign(List.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1)));
            long[] read = {0};
            Client.until("counts", () -> {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
                    read[0]++;
                    long before = last.getOrDefault(record.key(), 0L);
                    long now = Long.parseLong(record.value());
                    if (now != before + 1 && wrong.size() < 10) {
                        wrong.add(record.key() + ": " + before + " then " + now);
                    }
                    last.put(record.key(), now);
                }
                return read[0] >= records;
            });
        }
        return Report.show(last) + (wrong.isEmpty() ? "" : " wrong " + wrong);
    }
}
