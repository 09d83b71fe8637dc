import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaFilter;

/** What clients of any version have, so that an old one can run it. */
final class Old {
    private Old() {}

    static Map<String, Main.Scenario> scenarios() {
        Map<String, Main.Scenario> all = new LinkedHashMap<>();
        all.put("old/admin", Old::admin);
        all.put("old/produce-and-consume", Old::records);
        return all;
    }

    private static void admin(Client client, Report report) throws Exception {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "old");
        TopicPartition p = new TopicPartition("old", 0);
        try (Admin admin = client.admin(); KafkaConsumer<String, String> consumer = client.consumer("group.id", "old")) {
            // Records are of 1970, and are to stay.
            CreateTopicsResult made = admin.createTopics(List.of(new NewTopic("old", 2, (short) 1).configs(Map.of("retention.ms",
                "7000000000000"))));
            report.tries("created", () -> made.numPartitions("old").get() + " " + made.config("old").get().get("retention.ms").value());
            report.tries("created by default", () -> admin.createTopics(List.of(new NewTopic("old-default", Optional.empty(),
                Optional.empty()))).numPartitions("old-default").get());
            Client.settle(admin);
            report.tries("listed", () -> Client.sorted(admin.listTopics().names().get()).contains("old"));
            report.tries("partitions", () -> consumer.partitionsFor("old").size());
            report.tries("configured", () -> admin.incrementalAlterConfigs(Map.of(topic,
                List.of(new AlterConfigOp(new ConfigEntry("retention.ms", "8000000000000"), AlterConfigOp.OpType.SET))))
                .all().get());
            Client.settle(admin);
            report.tries("configured, then", () -> admin.describeConfigs(List.of(topic)).all().get().get(topic).get("retention.ms")
                .value());
            report.tries("cluster", () -> admin.describeCluster().nodes().get().size());
            client.fill("old", 0, 5);
            report.tries("offsets", () -> admin.listOffsets(Map.of(p, OffsetSpec.latest())).partitionResult(p).get().offset());
            report.tries("deleted records", () -> admin.deleteRecords(Map.of(p, RecordsToDelete.beforeOffset(2))).lowWatermarks().get(p)
                .get().lowWatermark());
            report.tries("committed of an unknown group", () -> consumer.committed(Set.of(p)));
            consumer.assign(List.of(p));
            report.tries("read", () -> Client.take(consumer, 3));
            consumer.commitSync();
            report.tries("groups", () -> admin.listConsumerGroups().all().get().stream().filter(g -> g.groupId().equals("old")).map(g ->
                g.state().toString()).collect(Collectors.toList()));
            report.tries("group", () -> admin.describeConsumerGroups(List.of("old")).all().get().get("old").state());
            report.tries("group offsets", () -> admin.listConsumerGroupOffsets("old").partitionsToOffsetAndMetadata().get());
            report.tries("of an unknown group", () -> admin.listConsumerGroupOffsets("old-not").partitionsToOffsetAndMetadata().get());
            report.tries("group offsets set", () -> admin.alterConsumerGroupOffsets("old", Map.of(p, new OffsetAndMetadata(4))).all()
                .get());
            report.tries("group deleted", () -> admin.deleteConsumerGroups(List.of("old")).all().get());
            report.tries("folders", () -> admin.describeLogDirs(List.of(client.node())).allDescriptions().get().get(client.node()).size());
            report.tries("quotas", () -> Client.quotas(admin, ClientQuotaFilter.all()));
            report.tries("deleted", () -> admin.deleteTopics(List.of("old-default")).all().get());
        }
    }

    private static void records(Client client, Report report) throws Exception {
        try (KafkaProducer<String, String> producer = client.producer("transactional.id", "old", "compression.type", "lz4");
            KafkaConsumer<String, String> consumer = client.consumer("group.id", "old-members", "isolation.level", "read_committed")) {
            producer.initTransactions();
            for (String value : List.of("first", "second")) {
                producer.beginTransaction();
                producer.send(new ProducerRecord<>("old-records", 0, "k", value));
                producer.flush();
                if (value.equals("first")) {
                    producer.abortTransaction();
                    continue;
                }
                producer.sendOffsetsToTransaction(Map.of(new TopicPartition("old-records", 1), new OffsetAndMetadata(0)),
                    new ConsumerGroupMetadata("old-copiers"));
                producer.commitTransaction();
            }
            consumer.subscribe(List.of("old-records"));
            report.tries("read", () -> Client.take(consumer, 1));
            consumer.commitSync();
            report.restart();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("old-records", 0, "k", "third"));
            producer.commitTransaction();
            report.tries("read after a restart", () -> Client.take(consumer, 1));
            report.tries("committed", () -> consumer.committed(Set.of(new TopicPartition("old-records", 0))));
        }
    }
}
