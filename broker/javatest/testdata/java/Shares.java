import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Share consumers: what they acknowledge, and what comes again. */
final class Shares {
    private Shares() {}

    static void add(Map<String, Main.Scenario> all) {
        all.put("share/implicit", Shares::implicit);
        all.put("share/explicit", Shares::explicit);
        all.put("share/two-members", Shares::members);
        all.put("share/admin", Shares::admin);
    }

    private static KafkaShareConsumer<String, String> consumer(Client client, String group, Object... settings) {
        Map<String, Object> all = client.settings("group.id", group);
        all.putAll(client.settings(settings));
        return new KafkaShareConsumer<>(all, new StringDeserializer(), new StringDeserializer());
    }

    /** Makes a group begin at the start. */
    private static void earliest(Client client, String group) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.GROUP, group);
        try (Admin admin = client.admin()) {
            admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry("share.auto.offset.reset",
                "earliest"), AlterConfigOp.OpType.SET)))).all().get();
            Client.settle(admin);
        }
    }

    private static List<ConsumerRecord<String, String>> take(KafkaShareConsumer<String, String> consumer, int records) throws Exception {
        List<ConsumerRecord<String, String>> taken = new ArrayList<>();
        Client.until("take", () -> {
            consumer.poll(Duration.ofMillis(100)).forEach(taken::add);
            return taken.size() >= records;
        });
        return taken;
    }

    private static String show(List<ConsumerRecord<String, String>> records) {
        return records.stream().map(r -> r.value() + " delivery " + r.deliveryCount().orElse((short) 0)).collect(Collectors
            .toList()).toString();
    }

    private static void implicit(Client client, Report report) throws Exception {
        client.topics(1, "share-implicit");
        client.fill("share-implicit", 0, 5);
        earliest(client, "share-implicit");
        try (KafkaShareConsumer<String, String> consumer = consumer(client, "share-implicit")) {
            consumer.subscribe(List.of("share-implicit"));
            report.tries("read", () -> show(take(consumer, 5)));
            report.tries("committed", () -> consumer.commitSync().values());
            report.tries("acknowledged though implicit", () -> {
                client.fill("share-implicit", 0, 1);
                consumer.acknowledge(take(consumer, 1).get(0));
                return "acknowledged";
            });
        }
        try (KafkaShareConsumer<String, String> consumer = consumer(client, "share-implicit")) {
            consumer.subscribe(List.of("share-implicit"));
            client.fill("share-implicit", 0, 2);
            report.tries("read on", () -> show(take(consumer, 2)));
            report.restart();
            client.fill("share-implicit", 0, 2);
            Set<String> again = new TreeSet<>();
            Client.until("read after a restart", () -> {
                consumer.poll(Duration.ofMillis(100)).forEach(r -> again.add("" + r.offset()));
                return again.contains("9");
            });
        }
    }

    private static void explicit(Client client, Report report) throws Exception {
        client.topics(1, "share-explicit");
        client.fill("share-explicit", 0, 4);
        earliest(client, "share-explicit");
        try (KafkaShareConsumer<String, String> consumer = consumer(client, "share-explicit", "share.acknowledgement.mode", "explicit")) {
            consumer.subscribe(List.of("share-explicit"));
            List<ConsumerRecord<String, String>> first = take(consumer, 4);
            report.say("read", show(first));
            report.tries("not all acknowledged", () -> consumer.poll(Duration.ofMillis(100)).count());
            AcknowledgeType[] types = {AcknowledgeType.ACCEPT, AcknowledgeType.RELEASE, AcknowledgeType.REJECT, AcknowledgeType.RELEASE};
            for (int i = 0; i < 4; i++) {
                consumer.acknowledge(first.get(i), types[i]);
            }
            report.tries("committed", () -> consumer.commitSync().values());
            List<ConsumerRecord<String, String>> second = take(consumer, 2);
            report.say("released ones", show(second));
            report.tries("lock", () -> consumer.acquisitionLockTimeoutMs().isPresent());
            for (ConsumerRecord<String, String> record : second) {
                report.tries("accepted", () -> {
                    consumer.acknowledge(record, AcknowledgeType.ACCEPT);
                    return record.offset();
                });
            }
            report.tries("committed", () -> consumer.commitSync().values());
            report.tries("acknowledged again", () -> {
                consumer.acknowledge(second.get(0), AcknowledgeType.ACCEPT);
                return "acknowledged";
            });
        }
        client.fill("share-explicit", 0, 1);
        try (KafkaShareConsumer<String, String> consumer = consumer(client, "share-explicit", "share.acknowledgement.mode", "explicit")) {
            consumer.subscribe(List.of("share-explicit"));
            for (int delivery = 1; delivery <= 5; delivery++) { // it is given up after five
                List<ConsumerRecord<String, String>> again = take(consumer, 1);
                report.say("delivered", show(again));
                consumer.acknowledge(again.get(0), AcknowledgeType.RELEASE);
                consumer.commitSync();
            }
            client.fill("share-explicit", 0, 1);
            List<ConsumerRecord<String, String>> next = take(consumer, 1);
            report.say("then", show(next));
            consumer.acknowledge(next.get(0), AcknowledgeType.RENEW);
            report.tries("renewed", () -> consumer.commitSync().values());
        }
    }

    private static void members(Client client, Report report) throws Exception {
        client.topics(2, "share-members");
        earliest(client, "share-members");
        Map<String, Integer> seen = new HashMap<>();
        try (KafkaShareConsumer<String, String> first = consumer(client, "share-members", "max.poll.records", 10);
            KafkaShareConsumer<String, String> second = consumer(client, "share-members", "max.poll.records", 10); Admin admin =
                client.admin()) {
            first.subscribe(List.of("share-members"));
            second.subscribe(List.of("share-members"));
            Client.until("joined", () -> {
                first.poll(Duration.ofMillis(20));
                second.poll(Duration.ofMillis(20));
                return admin.describeShareGroups(List.of("share-members")).all().get().get("share-members").members().size() == 2;
            });
            report.tries("described", () -> admin.describeShareGroups(List.of("share-members")).all().get()
                .get("share-members").groupState());
            client.fill("share-members", 0, 50);
            client.fill("share-members", 1, 50);
            Client.until("read", () -> {
                for (KafkaShareConsumer<String, String> one : List.of(first, second)) {
                    one.poll(Duration.ofMillis(20)).forEach(r -> seen.merge(r.partition() + " " + r.offset(), 1, Integer::sum));
                }
                return seen.size() == 100;
            });
            report.say("each once", seen.values().stream().allMatch(n -> n == 1));
        }
    }

    private static void admin(Client client, Report report) throws Exception {
        client.topics(1, "share-admin");
        client.fill("share-admin", 0, 5);
        earliest(client, "share-admin");
        TopicPartition p = new TopicPartition("share-admin", 0);
        ListShareGroupOffsetsSpec spec = new ListShareGroupOffsetsSpec().topicPartitions(List.of(p));
        try (Admin admin = client.admin()) {
            try (KafkaShareConsumer<String, String> consumer = consumer(client, "share-admin", "client.id", "app")) {
                consumer.subscribe(List.of("share-admin"));
                report.tries("read", () -> take(consumer, 5).size());
                consumer.commitSync();
                report.tries("members", () -> admin.describeShareGroups(List.of("share-admin")).all().get().get("share-admin").members()
                    .stream()
                    .map(m -> m.clientId() + " " + m.assignment().topicPartitions()).collect(Collectors.toList()));
                report.tries("deleted while it has members", () ->
                    Client.each(admin.deleteShareGroups(List.of("share-admin")).deletedGroups()));
            }
            Client.until("empty", () -> admin.describeShareGroups(List.of("share-admin")).all().get()
                .get("share-admin").groupState().toString().equals("Empty"));
            report.tries("described as a consumer group", () ->
                Client.each(admin.describeConsumerGroups(List.of("share-admin")).describedGroups()));
            report.tries("listed", () -> admin.listGroups().all().get().stream().filter(g -> g.groupId().equals("share-admin")).map(g ->
                g.type() + " " + g.protocol() + " " + g.groupState())
                .collect(Collectors.toList()));
            report.tries("altered", () -> admin.alterShareGroupOffsets("share-admin", Map.of(p, 2L)).all().get());
            report.tries("offsets", () -> admin.listShareGroupOffsets(Map.of("share-admin", spec)).partitionsToOffsetInfo("share-admin")
                .get().get(p).startOffset());
            try (KafkaShareConsumer<String, String> consumer = consumer(client, "share-admin")) {
                consumer.subscribe(List.of("share-admin"));
                report.tries("read from there", () -> show(take(consumer, 3)));
            }
            Client.until("empty", () -> admin.describeShareGroups(List.of("share-admin")).all().get()
                .get("share-admin").groupState().toString().equals("Empty"));
            report.tries("deleted", () -> Client.each(admin.deleteShareGroups(List.of("share-admin")).deletedGroups()));
            report.tries("deleted again", () -> Client.each(admin.deleteShareGroups(List.of("share-admin")).deletedGroups()));
        }
    }
}
