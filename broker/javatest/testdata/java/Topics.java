import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.CreatePartitionsOptions;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;

/** Admin on topics, their partitions and their records. */
final class Topics {
    private Topics() {}

    static void add(Map<String, Main.Scenario> all) {
        all.put("admin/create-topics", Topics::create);
        all.put("admin/describe-topics", Topics::describe);
        all.put("admin/create-partitions", Topics::partitions);
        all.put("admin/delete-topics", Topics::delete);
        all.put("admin/list-offsets", Topics::offsets);
        all.put("admin/delete-records", Topics::records);
    }

    private static void create(Client client, Report report) throws Exception {
        try (Admin admin = client.admin()) {
            int node = client.node();
            NewTopic compacted = new NewTopic("create-compacted", 2, (short) 1).configs(Map.of("cleanup.policy", "compact", "retention.ms",
                "1000"));
            CreateTopicsResult made = admin.createTopics(List.of(compacted));
            report.tries("partitions", () -> made.numPartitions("create-compacted").get());
            report.tries("replication factor", () -> made.replicationFactor("create-compacted").get());
            report.tries("id", () -> !made.topicId("create-compacted").get().equals(Uuid.ZERO_UUID));
            Config config = made.config("create-compacted").get();
            for (String name : List.of("cleanup.policy", "retention.ms", "max.message.bytes", "compression.type", "min.insync.replicas")) {
                report.tries("config " + name, () -> Configs.entry(config.get(name)));
            }
            report.say("config names", config.entries().stream().map(e -> e.name()).sorted().collect(Collectors.toList()));
            CreateTopicsResult defaults = admin.createTopics(List.of(new NewTopic("create-default", java.util.Optional.empty(),
                java.util.Optional.empty())));
            report.tries("default partitions", () -> defaults.numPartitions("create-default").get());
            report.tries("default replication factor", () -> defaults.replicationFactor("create-default").get());

            Map<String, NewTopic> odd = new LinkedHashMap<>();
            odd.put("there already", new NewTopic("create-compacted", 1, (short) 1));
            odd.put("invalid name", new NewTopic("no/such?", 1, (short) 1));
            odd.put("empty name", new NewTopic("", 1, (short) 1));
            odd.put("dots", new NewTopic("..", 1, (short) 1));
            odd.put("long name", new NewTopic("x".repeat(250), 1, (short) 1));
            odd.put("colliding name", new NewTopic("create.compacted", 1, (short) 1));
            odd.put("no partitions", new NewTopic("create-none", 0, (short) 1));
            odd.put("too many replicas", new NewTopic("create-two", 1, (short) 2));
            odd.put("no replicas", new NewTopic("create-zero", 1, (short) 0));
            odd.put("assigned", new NewTopic("create-assigned", Map.of(0, List.of(node), 1, List.of(node))));
            odd.put("assigned to an unknown broker", new NewTopic("create-elsewhere", Map.of(0, List.of(77))));
            odd.put("assigned twice", new NewTopic("create-twice", Map.of(0, List.of(node, node))));
            odd.put("assigned with a gap", new NewTopic("create-gap", Map.of(0, List.of(node), 2, List.of(node))));
            odd.put("unknown config", plain("create-unknown", "no.such.config", "1"));
            odd.put("config of a broker", plain("create-broker", "log.retention.ms", "1"));
            odd.put("config no number", plain("create-word", "retention.ms", "soon"));
            odd.put("config out of range", plain("create-range", "min.insync.replicas", "0"));
            odd.put("config no policy", plain("create-policy", "cleanup.policy", "burn"));
            odd.put("config both policies", plain("create-both", "cleanup.policy", "compact,delete"));
            odd.put("config no timestamp type", plain("create-stamp", "message.timestamp.type", "Never"));
            odd.put("config no compression", plain("create-squeeze", "compression.type", "rar"));
            odd.put("config no boolean", plain("create-boolean", "unclean.leader.election.enable", "perhaps"));
            odd.put("config without a value", plain("create-null", "retention.ms", null));
            for (Map.Entry<String, NewTopic> one : odd.entrySet()) {
                report.tries(one.getKey(), () -> Client.each(new TreeMap<>(admin.createTopics(List.of(one.getValue())).values())).values());
            }
            NewTopic trial = new NewTopic("create-trial", 4, (short) 1);
            CreateTopicsResult tried = admin.createTopics(List.of(trial), new CreateTopicsOptions().validateOnly(true));
            report.tries("only validated", () -> tried.numPartitions("create-trial").get());
            List<NewTopic> pair = List.of(new NewTopic("create-good", 1, (short) 1), new NewTopic("create-compacted", 1, (short) 1));
            report.tries("one good, one bad", () -> Client.each(admin.createTopics(pair).values()));
            Client.settle(admin);
            report.say("listed", admin.listTopics().names().get().stream().filter(n -> n.startsWith("create")).sorted().collect(Collectors
                .toList()));
        }
    }

    private static NewTopic plain(String name, String config, String value) {
        Map<String, String> configs = new java.util.HashMap<>();
        configs.put(config, value);
        return new NewTopic(name, 1, (short) 1).configs(configs);
    }

    private static void describe(Client client, Report report) throws Exception {
        client.topics(3, "describe-me");
        int node = client.node();
        try (Admin admin = client.admin()) {
            for (boolean operations : new boolean[] {false, true}) {
                DescribeTopicsOptions options = new DescribeTopicsOptions().includeAuthorizedOperations(operations);
                TopicDescription topic = admin.describeTopics(List.of("describe-me"), options).allTopicNames().get().get("describe-me");
                report.say("internal", topic.isInternal());
                report.say("operations", topic.authorizedOperations());
                report.say("partitions", topic.partitions().stream().map(p -> p.partition() + " " + (p.leader().id() == node) + " "
                    + p.replicas().size() + " "
                    + p.isr().size() + " elr " + p.elr() + " last " + p.lastKnownElr()).collect(Collectors.toList()));
            }
            Uuid id = admin.describeTopics(List.of("describe-me")).allTopicNames().get().get("describe-me").topicId();
            report.tries("by id", () -> admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds().get().get(id).name());
            report.tries("unknown id", () -> admin.describeTopics(TopicCollection.ofTopicIds(List.of(Uuid.randomUuid()))).allTopicIds()
                .get());
            report.tries("unknown name", () -> Client.each(admin.describeTopics(List.of("describe-me-not")).topicNameValues()));
            report.tries("invalid name", () -> Client.each(admin.describeTopics(List.of("no/such?")).topicNameValues()));
            DescribeTopicsOptions paged = new DescribeTopicsOptions().partitionSizeLimitPerResponse(2);
            report.tries("in pages", () -> admin.describeTopics(List.of("describe-me"), paged).allTopicNames().get()
                .get("describe-me").partitions().size());
            report.say("listed", admin.listTopics(new ListTopicsOptions().listInternal(false)).listings().get().stream()
                .filter(t -> t.name().startsWith("describe")).map(t -> t.name() + " " + t.topicId().equals(id)).collect(Collectors
                    .toList()));
            report.restart();
            Client.until("described again", () -> admin.describeTopics(List.of("describe-me")).allTopicNames().get()
                .get("describe-me").topicId().equals(id));
        }
    }

    private static void partitions(Client client, Report report) throws Exception {
        client.topics(2, "partitions");
        int node = client.node();
        Map<String, NewPartitions> steps = new LinkedHashMap<>();
        steps.put("more", NewPartitions.increaseTo(4));
        steps.put("as many", NewPartitions.increaseTo(4));
        steps.put("fewer", NewPartitions.increaseTo(3));
        steps.put("none", NewPartitions.increaseTo(0));
        steps.put("assigned", NewPartitions.increaseTo(5, List.of(List.of(node))));
        steps.put("assigned to an unknown broker", NewPartitions.increaseTo(6, List.of(List.of(77))));
        steps.put("assigned too few", NewPartitions.increaseTo(8, List.of(List.of(node))));
        try (Admin admin = client.admin()) {
            for (Map.Entry<String, NewPartitions> step : steps.entrySet()) {
                report.tries(step.getKey(), () -> Client.each(admin.createPartitions(Map.of("partitions", step.getValue())).values()));
            }
            report.tries("unknown topic", () -> Client.each(admin.createPartitions(Map.of("partitions-not", NewPartitions.increaseTo(2)))
                .values()));
            CreatePartitionsOptions trial = new CreatePartitionsOptions().validateOnly(true);
            report.tries("only validated", () -> Client.each(admin.createPartitions(Map.of("partitions", NewPartitions.increaseTo(9)),
                trial).values()));
            Client.settle(admin);
            report.tries("described", () -> admin.describeTopics(List.of("partitions")).allTopicNames().get()
                .get("partitions").partitions().size());
        }
    }

    private static void delete(Client client, Report report) throws Exception {
        client.topics(1, "delete-name", "delete-id", "delete-again");
        try (Admin admin = client.admin(); KafkaConsumer<String, String> consumer = client.consumer()) {
            Uuid id = admin.describeTopics(List.of("delete-id")).allTopicNames().get().get("delete-id").topicId();
            report.tries("by name", () -> Client.each(admin.deleteTopics(List.of("delete-name")).topicNameValues()));
            report.tries("by id", () -> Client.each(admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).topicIdValues()).values());
            report.tries("unknown", () -> Client.each(admin.deleteTopics(List.of("delete-not")).topicNameValues()));
            TopicCollection.TopicIdCollection none = TopicCollection.ofTopicIds(List.of(Uuid.randomUuid()));
            report.tries("unknown id", () -> Client.each(admin.deleteTopics(none).topicIdValues()).values());
            client.fill("delete-again", 0, 7);
            admin.deleteTopics(List.of("delete-again")).all().get();
            client.topics(1, "delete-again");
            TopicPartition again = new TopicPartition("delete-again", 0);
            Client.until("new and empty", () -> consumer.endOffsets(List.of(again)).get(again) == 0);
            Client.settle(admin);
            report.say("left", admin.listTopics().names().get().stream().filter(n -> n.startsWith("delete-")).sorted().collect(Collectors
                .toList()));
        }
    }

    private static void offsets(Client client, Report report) throws Exception {
        client.topics(2, "offsets");
        client.fill("offsets", 0, 10);
        Map<String, OffsetSpec> specs = new LinkedHashMap<>();
        specs.put("earliest", OffsetSpec.earliest());
        specs.put("latest", OffsetSpec.latest());
        specs.put("max timestamp", OffsetSpec.maxTimestamp());
        specs.put("at a time", OffsetSpec.forTimestamp(1004));
        specs.put("before all", OffsetSpec.forTimestamp(1));
        specs.put("after all", OffsetSpec.forTimestamp(99_000));
        specs.put("earliest local", OffsetSpec.earliestLocal());
        specs.put("latest tiered", OffsetSpec.latestTiered());
        try (Admin admin = client.admin("default.api.timeout.ms", 2000, "request.timeout.ms", 1000)) {
            for (Map.Entry<String, OffsetSpec> spec : specs.entrySet()) {
                for (int partition : new int[] {0, 1}) {
                    TopicPartition p = new TopicPartition("offsets", partition);
                    report.tries(spec.getKey() + " of " + partition, () -> {
                        var found = admin.listOffsets(Map.of(p, spec.getValue())).partitionResult(p).get();
                        return found.offset() + " at " + found.timestamp() + " epoch " + found.leaderEpoch().isPresent();
                    });
                }
            }
            TopicPartition none = new TopicPartition("offsets", 9);
            report.tries("unknown partition", () -> admin.listOffsets(Map.of(none, OffsetSpec.latest())).partitionResult(none).get());
        }
        List<TopicPartition> both = List.of(new TopicPartition("offsets", 0), new TopicPartition("offsets", 1));
        try (KafkaConsumer<String, String> consumer = client.consumer()) {
            report.tries("consumer beginning", () -> consumer.beginningOffsets(both));
            report.tries("consumer end", () -> consumer.endOffsets(both));
            report.tries("consumer times", () -> consumer.offsetsForTimes(Map.of(both.get(0), 1004L, both.get(1),
                1004L)).toString().replaceAll("Epoch=\\d+", ""));
            report.tries("consumer partitions", () -> consumer.partitionsFor("offsets").size());
            report.tries("consumer topics", () -> consumer.listTopics(Duration.ofSeconds(5)).containsKey("offsets"));
        }
    }

    private static void records(Client client, Report report) throws Exception {
        client.topics(2, "records");
        client.fill("records", 0, 10);
        TopicPartition p = new TopicPartition("records", 0);
        try (Admin admin = client.admin("default.api.timeout.ms", 2000, "request.timeout.ms", 1000); KafkaConsumer<String,
            String> consumer = client.consumer()) {
            for (long before : new long[] {5, 3, 0, 11, -2, 7}) {
                report.tries("before " + before, () -> admin.deleteRecords(Map.of(p, RecordsToDelete.beforeOffset(before))).lowWatermarks()
                    .get(p).get().lowWatermark());
                report.tries("start", () -> consumer.beginningOffsets(List.of(p)).get(p));
            }
            consumer.assign(List.of(p));
            report.tries("read", () -> Client.take(consumer, 3));
            consumer.seek(p, 2);
            client.fill("records", 0, 1);
            report.tries("read below the start", () -> Client.take(consumer, 4));
            report.tries("all", () -> admin.deleteRecords(Map.of(p, RecordsToDelete.beforeOffset(-1))).lowWatermarks().get(p)
                .get().lowWatermark());
            report.tries("unknown partition", () -> Client.each(admin.deleteRecords(Map.of(new TopicPartition("records", 7),
                RecordsToDelete.beforeOffset(0))).lowWatermarks()));
            report.restart();
            List<Object> ends = new ArrayList<>();
            Client.until("offsets after a restart", () -> ends.add(consumer.endOffsets(List.of(p))));
            report.say("offsets after a restart", ends);
            report.tries("start after a restart", () -> consumer.beginningOffsets(List.of(p)));
        }
    }
}
