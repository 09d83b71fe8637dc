import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeProducersOptions;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeader;

/** Producers: plain, idempotent, transactional and fenced. */
final class Producers {
    private Producers() {}

    static void add(Map<String, Main.Scenario> all) {
        all.put("producer/plain", Producers::plain);
        all.put("producer/idempotent", Producers::idempotent);
        all.put("producer/transactions", Producers::transactions);
        all.put("producer/fencing", Producers::fencing);
        all.put("producer/offsets-in-transactions", Producers::offsets);
        all.put("admin/transactions", Producers::administered);
    }

    private static void plain(Client client, Report report) throws Exception {
        client.topics(1, "plain");
        TopicPartition all = new TopicPartition("plain", 0);
        long written = 0;
        for (String acks : List.of("0", "1", "all")) {
            for (String compression : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
                try (KafkaProducer<String, String> producer = client.producer("acks", acks, "enable.idempotence", "false",
                    "compression.type", compression)) {
                    ProducerRecord<String, String> record = new ProducerRecord<>("plain", 0, null, "key", acks + " " + compression,
                        List.of(new RecordHeader("h", new byte[] {7})));
                    RecordMetadata sent = producer.send(record).get();
                    report.say(acks + " " + compression, sent.hasOffset() ? sent.offset() : "no offset");
                }
                long end = ++written; // without an acknowledgement it may still be on its way
                try (KafkaConsumer<String, String> ends = client.consumer()) {
                    Client.until("written", () -> ends.endOffsets(List.of(all)).get(all) == end);
                }
            }
        }
        try (KafkaProducer<String, String> producer = client.producer("max.block.ms", 3000); KafkaConsumer<String, String> consumer =
            client.consumer("group.id", "plain")) {
            consumer.subscribe(List.of("plain"));
            report.tries("read", () -> Client.take(consumer, 15));
            report.tries("created by use", () -> producer.send(new ProducerRecord<>("plain-new", "k", "v")).get().offset());
            report.tries("partitions by use", () -> producer.partitionsFor("plain-new").size());
            report.tries("invalid topic", () -> producer.send(new ProducerRecord<>("no/such?", "k", "v")).get().offset());
            report.tries("no value", () -> producer.send(new ProducerRecord<>("plain", 0, null, null)).get().offset());
            report.tries("too large", () -> {
                try (KafkaProducer<String, String> large = client.producer("max.request.size", 8 << 20)) {
                    return large.send(new ProducerRecord<>("plain", 0, "k", "x".repeat(4 << 20))).get().offset();
                }
            });
        }
    }

    private static void idempotent(Client client, Report report) throws Exception {
        client.topics(1, "idempotent");
        try (KafkaProducer<String, String> first = client.producer("linger.ms", "1"); KafkaProducer<String, String> second =
            client.producer("batch.size", 0)) {
            for (KafkaProducer<String, String> producer : List.of(first, second)) {
                send(producer, "idempotent", 500);
            }
            report.restart();
            for (KafkaProducer<String, String> producer : List.of(first, second)) {
                send(producer, "idempotent", 500);
            }
        }
        try (KafkaConsumer<String, String> consumer = client.consumer()) {
            TopicPartition p = new TopicPartition("idempotent", 0);
            report.tries("end", () -> consumer.endOffsets(List.of(p)));
            consumer.assign(List.of(p));
            report.tries("each", () -> Client.take(consumer, 2000).stream().collect(Collectors.groupingBy(v -> v, Collectors.counting()))
                .values().stream().distinct()
                .collect(Collectors.toList()));
        }
    }

    private static void send(KafkaProducer<String, String> producer, String topic, int records) throws Exception {
        List<Future<RecordMetadata>> sent = new java.util.ArrayList<>();
        for (int i = 0; i < records; i++) {
            sent.add(producer.send(new ProducerRecord<>(topic, 0, "k", "" + i)));
        }
        for (Future<RecordMetadata> one : sent) {
            one.get();
        }
    }

    private static void transactions(Client client, Report report) throws Exception {
        client.topics(2, "transactions");
        TopicPartition p = new TopicPartition("transactions", 0);
        try (KafkaProducer<String, String> producer = client.producer("transactional.id", "tx");
            KafkaConsumer<String, String> committed = client.consumer("isolation.level", "read_committed");
            KafkaConsumer<String, String> all = client.consumer()) {
            committed.assign(List.of(p));
            all.assign(List.of(p));
            report.tries("begun too early", () -> {
                producer.beginTransaction();
                return "begun";
            });
            producer.initTransactions();
            one(producer, "first", true);
            one(producer, "second", false);
            one(producer, "third", true);
            producer.beginTransaction();
            producer.commitTransaction();
            report.tries("committed", () -> Client.take(committed, 2));
            report.tries("all", () -> Client.take(all, 3));
            report.tries("end of all", () -> all.endOffsets(List.of(p)).get(p));
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("transactions", 0, "k", "open"));
            producer.flush();
            report.tries("end of all", () -> all.endOffsets(List.of(p)).get(p));
            report.tries("end of the committed", () -> committed.endOffsets(List.of(p)).get(p));
            producer.commitTransaction();
            report.tries("committed", () -> Client.take(committed, 1));
            report.restart();
            one(producer, "fourth", true);
            one(producer, "fifth", false);
            one(producer, "sixth", true);
            report.tries("committed after a restart", () -> Client.take(committed, 2));
            report.tries("all after a restart", () -> Client.take(all, 4));
        }
    }

    private static void one(KafkaProducer<String, String> producer, String value, boolean commit) {
        producer.beginTransaction();
        for (int partition : new int[] {0, 1}) {
            producer.send(new ProducerRecord<>("transactions", partition, "k", value));
        }
        producer.flush();
        if (commit) {
            producer.commitTransaction();
        } else {
            producer.abortTransaction();
        }
    }

    private static void fencing(Client client, Report report) throws Exception {
        client.topics(1, "fencing");
        try (KafkaProducer<String, String> old = client.producer("transactional.id", "fenced"); KafkaProducer<String, String> young =
            client.producer("transactional.id", "fenced");
            Admin admin = client.admin(); KafkaConsumer<String, String> committed = client.consumer("isolation.level", "read_committed")) {
            old.initTransactions();
            old.beginTransaction();
            old.send(new ProducerRecord<>("fencing", "k", "zombie")).get();
            young.initTransactions();
            report.tries("old sends", () -> old.send(new ProducerRecord<>("fencing", "k", "late")).get().offset());
            report.tries("old commits", () -> {
                old.commitTransaction();
                return "committed";
            });
            young.beginTransaction();
            young.send(new ProducerRecord<>("fencing", "k", "good"));
            young.commitTransaction();
            report.tries("fenced by admin", () -> Client.each(admin.fenceProducers(List.of("fenced")).fencedProducers()));
            report.tries("young begins", () -> {
                young.beginTransaction();
                young.send(new ProducerRecord<>("fencing", "k", "later")).get();
                return "sent";
            });
            committed.assign(List.of(new TopicPartition("fencing", 0)));
            report.tries("committed", () -> Client.take(committed, 1));
        }
        try (KafkaProducer<String, String> producer = client.producer("transactional.id", "slow", "transaction.timeout.ms",
            Integer.MAX_VALUE)) {
            report.tries("timeout too long", () -> {
                producer.initTransactions();
                return "initialized";
            });
        }
    }

    private static void offsets(Client client, Report report) throws Exception {
        client.topics(1, "tx-in", "tx-out");
        client.fill("tx-in", 0, 10);
        TopicPartition in = new TopicPartition("tx-in", 0);
        try (KafkaProducer<String, String> producer = client.producer("transactional.id", "copier"); Admin admin = client.admin();
            KafkaConsumer<String, String> consumer = client.consumer("group.id", "copiers", "isolation.level", "read_committed")) {
            consumer.subscribe(List.of("tx-in"));
            report.tries("read", () -> Client.take(consumer, 10).size());
            producer.initTransactions();
            for (boolean commit : new boolean[] {false, true}) {
                producer.beginTransaction();
                producer.send(new ProducerRecord<>("tx-out", "k", "v"));
                producer.sendOffsetsToTransaction(Map.of(in, new OffsetAndMetadata(commit ? 10 : 4)), consumer.groupMetadata());
                if (commit) {
                    producer.commitTransaction();
                } else {
                    producer.abortTransaction();
                }
                Client.until("told", () -> (consumer.committed(Set.of(in)).get(in) != null) == commit);
                report.tries("committed offsets", () -> consumer.committed(Set.of(in)));
            }
            producer.beginTransaction();
            report.tries("a stranger's offsets", () -> {
                producer.sendOffsetsToTransaction(Map.of(in, new OffsetAndMetadata(1)), new ConsumerGroupMetadata("copiers", 77,
                    "stranger", java.util.Optional.empty()));
                return "sent";
            });
            report.restart();
            Client.until("a restart", () -> consumer.committed(Set.of(in)).get(in) != null);
            report.tries("committed offsets after a restart", () -> consumer.committed(Set.of(in)));
        }
    }

    private static void administered(Client client, Report report) throws Exception {
        client.topics(1, "admin-tx");
        TopicPartition p = new TopicPartition("admin-tx", 0);
        ListTransactionsOptions mine = new ListTransactionsOptions().filterOnTransactionalIdPattern("admin-tx.*");
        try (KafkaProducer<String, String> producer = client.producer("transactional.id", "admin-tx"); Admin admin = client.admin()) {
            report.tries("none listed", () -> admin.listTransactions(mine).all().get());
            report.tries("unknown described", () -> Client.each(Map.of("x",
                admin.describeTransactions(List.of("admin-tx-not")).description("admin-tx-not"))));
            report.tries("no producers", () -> admin.describeProducers(List.of(p)).partitionResult(p).get().activeProducers());
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("admin-tx", 0, "k", "v")).get();
            report.tries("listed", () -> admin.listTransactions(mine).all().get().stream().map(t -> t.transactionalId() + " " + t.state())
                .collect(Collectors.toList()));
            TransactionDescription open = admin.describeTransactions(List.of("admin-tx")).description("admin-tx").get();
            report.say("described", open.state() + " " + open.topicPartitions() + " timeout " + open.transactionTimeoutMs() + " started "
                + open.transactionStartTimeMs().isPresent()
                + " coordinator " + (open.coordinatorId() == client.node()));
            ProducerState state = admin.describeProducers(List.of(p)).partitionResult(p).get().activeProducers().get(0);
            report.say("producer", "same id " + (state.producerId() == open.producerId()) + " sequence " + state.lastSequence() + " start "
                + state.currentTransactionStartOffset()
                + " time " + (state.lastTimestamp() > 0));
            report.tries("producers of an unknown partition", () -> admin.describeProducers(List.of(new TopicPartition("admin-tx", 9)),
                new DescribeProducersOptions().timeoutMs(2000)).all().get());
            AbortTransactionSpec spec = new AbortTransactionSpec(p, state.producerId(), (short) state.producerEpoch(),
                state.coordinatorEpoch().orElse(0));
            report.tries("aborted", () -> admin.abortTransaction(spec).all().get());
            report.tries("terminated", () -> admin.forceTerminateTransaction("admin-tx").result().get());
            Client.until("ended", () -> !admin.describeTransactions(List.of("admin-tx")).description("admin-tx")
                .get().state().toString().startsWith("Prepare"));
            report.tries("then", () -> admin.describeTransactions(List.of("admin-tx")).description("admin-tx").get().state());
            report.tries("bad pattern", () -> admin.listTransactions(new ListTransactionsOptions().filterOnTransactionalIdPattern("["))
                .all().get());
        }
    }
}
